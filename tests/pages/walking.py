"""One person's walk through the pages: one instance of each page type, and what is wrong with it.

A page is judged by axe-core at the width it is made for; at the other width it is asked only what a width can
break: does it fit, can each area that scrolls be reached by keyboard. Where an earlier visitor was shown a page
type with the same kinds of elements, only its heading, its title and the browser's complaints are looked at.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Error, Page, Response

from tests.isolation.addresses import ARGUMENT, Address
from tests.running import Watched, violations

SCREENS = Path(__file__).resolve().parents[2] / "var" / "screens"
PICTURES = bool(os.environ.get("SCREENS"))  # SCREENS=1 takes a picture of each page at both widths
WIDE, NARROW = 1440, 360
HEIGHT = {WIDE: 900, NARROW: 800}
PATIENCE = 15  # times a page that does not fit is looked at again
TRIES = 3  # instances of a page type that are asked before it counts as not reachable for this visitor
KINDS = {"int": "[0-9]+", "uuid": "[0-9a-f-]{36}"}
LOOK = """() => {
    const kind = one => one.tagName + "." + one.className + "[" + one.getAttributeNames() + "]";
    const shapes = [...document.body.querySelectorAll("*:not(svg *)")].map(
        one => kind(one.parentElement) + " > " + kind(one) + (one.textContent.trim() ? "" : " empty"));
    return {
        shapes: [...new Set(shapes)],
        headings: document.querySelectorAll("h1").length,
        lang: document.documentElement.lang,
        title: document.title.trim(),
        links: [...document.querySelectorAll("a[href]")].map(link => link.href),
    };
}"""
SETTLE = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
FIT = """() => {
    const stuck = [...document.body.querySelectorAll("*:not(select, textarea)")].filter(box => {
        const right = box.scrollWidth > box.clientWidth + 13, down = box.scrollHeight > box.clientHeight + 13;
        if (!right && !down) return false;
        const style = getComputedStyle(box), scrolls = how => how === "auto" || how === "scroll";
        if (!(right && scrolls(style.overflowX)) && !(down && scrolls(style.overflowY))) return false;
        const inside = [box, ...box.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
        return box.checkVisibility({visibilityProperty: true}) && !inside.some(one => one.tabIndex >= 0 && !one.disabled);
    });
    return [document.documentElement.scrollWidth, stuck.map(box => box.tagName.toLowerCase() + "." + box.className)];
}"""
judged: defaultdict[str, set[str]] = defaultdict(set)  # label → the kinds of elements that were judged on it


def pattern_of(address: Address) -> re.Pattern[str]:
    """The paths of an address."""
    parts = ARGUMENT.split("/" + address.route.removesuffix("/?"))  # literal, converter, name, literal, …
    kinds = ["", *(KINDS.get(kind, "[^/]+") for kind in parts[1::3])]
    return re.compile("".join(kind + re.escape(part) for kind, part in zip(kinds, parts[::3], strict=True)) + "/?")


@dataclass
class Walk:
    """What one visitor saw of the pages of one host."""

    watched: Watched
    origin: str
    addresses: list[Address]
    not_pages: re.Pattern[str]
    name: str
    width: int = 0  # of the window now
    opened: set[str] = field(default_factory=set)  # labels of the pages that opened
    refused: set[str] = field(default_factory=set)  # paths that answered otherwise than with a page
    faults: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        return self.watched.page

    def go(self, paths: list[str], doors: list[str] | None = None) -> None:
        """Open all doors, all paths, and one instance of each page type they link to."""
        patterns = [(address, pattern_of(address)) for address in self.addresses]
        tries, asked = Counter[str](), set[str]()
        waiting = [*(doors or []), *paths]
        while waiting:
            path = waiting.pop(0)
            if path in asked:
                continue
            asked.add(path)
            address = next((a for a, p in patterns if p.fullmatch(path)), None)
            if address is None or not address.shows or self.not_pages.fullmatch(address.name):
                continue
            known = address.label in self.opened or tries[address.label] >= TRIES
            if known and path not in (doors or []):
                continue
            tries[address.label] += 1
            if self._opens(path, address):
                waiting += self._judge(path, address)

    def _opens(self, path: str, address: Address) -> bool:
        """Whether a page opens there; a fall of the server is a fault."""
        if not self.width:
            self._resize(NARROW if path.startswith("/m/") else WIDE)
        answer = self._answer(path)
        if answer is not None and answer.status >= 500:
            self.faults.append(f"{path}: {answer.status}")
        elsewhere = not pattern_of(address).fullmatch(urlsplit(self.page.url).path)
        if answer is None or elsewhere or answer.status != 200 or not self._is_whole(answer):
            self.refused.add(path)
            return False
        self.opened.add(address.label)
        return True

    def _answer(self, path: str) -> Response | None:
        """None for a file that the browser would keep."""
        try:
            return self.page.goto(f"{self.origin}{path}")
        except Error as refused:
            if "Download is starting" not in refused.message and "ERR_ABORTED" not in refused.message:
                raise
            return None

    def _is_whole(self, answer: Response) -> bool:
        """A page, and not a fragment of one or a file."""
        return "text/html" in answer.headers.get("content-type", "") and self.page.evaluate("document.doctype !== null")

    def _judge(self, path: str, address: Address) -> list[str]:
        """Note what is wrong with the page that is open; return the paths it links to."""
        looked: dict[str, Any] = self.page.evaluate(LOOK)
        faults = self._frame(looked)
        new = set(looked["shapes"]) - judged[address.label]
        judged[address.label] |= new
        if new or PICTURES:
            made_for = NARROW if path.startswith("/m/") else WIDE
            for width in (self.width, NARROW + WIDE - self.width):  # the window keeps its last size for the next page
                self._resize(width)
                found = [f"axe {fault}" for fault in violations(self.page)] if width == made_for else self._fit()
                faults += [f"{width}: {fault}" for fault in found]
                if PICTURES:
                    self._picture(address)
        faults += [line for line in self.watched.complaints if not line.endswith(self._refusals())]
        self.faults += [f"{path} [{address.name}] {fault}" for fault in faults]
        self.watched.complaints.clear()
        return [urlsplit(link).path for link in looked["links"] if link.startswith(self.origin)]

    def _refusals(self) -> tuple[str, ...]:
        """How the browser's complaints about refused pages end: they may come late, and are no fault of a page."""
        return tuple(f" @ {self.origin}{path}" for path in self.refused)

    def _resize(self, width: int) -> None:
        if width != self.width:
            self.page.set_viewport_size({"width": width, "height": HEIGHT[width]})
            self.page.evaluate(SETTLE)  # laid out two frames later
            self.width = width

    def _fit(self) -> list[str]:
        for _ in range(PATIENCE):
            wide, stuck = self.page.evaluate(FIT)
            if wide <= self.width and not stuck:
                return []
            self.page.wait_for_timeout(200)  # a busy machine may still be laying out
        found = [f"{box} scrolls, but not by keyboard" for box in stuck]
        return [*found, f"{wide} px wide"] if wide > self.width else found

    @staticmethod
    def _frame(looked: dict[str, Any]) -> list[str]:
        found = [] if looked["headings"] == 1 else [f"{looked['headings']} h1"]
        if looked["lang"] != "zh-Hans":
            found.append("lang is not zh-Hans")
        return found if looked["title"] else [*found, "no title"]

    def _picture(self, address: Address) -> None:
        shots = SCREENS / self.name
        shots.mkdir(parents=True, exist_ok=True)
        name = (address.name or address.route).replace(":", "-").replace("/", "-") or "home"
        self.page.screenshot(path=shots / f"{name}-{self.width}.png", full_page=True)
