"""QR labels of places: a plain address the phone's own scanner opens, printed on A4 sheets to cut."""

from __future__ import annotations

import io
from collections.abc import Sequence
from uuid import UUID

from identity.contracts import Actor
from kernel.errors import DomainError, Invalid, NotAllowed
from kernel.pdf import pdf
from tenants.organisation import policies, queries
from tenants.organisation.models import Place

MOST_LABELS = 2_000
PER_ROW = {"large": 2, "medium": 3, "small": 4}

SOURCE = """
#let d = json("data.json")
#set document(title: d.title)
#set page(paper: "a4", margin: (x: 10mm, top: 12mm, bottom: 14mm), footer: context [
  #set text(size: 7pt, fill: luma(90))
  #d.title #h(1fr) 第 #counter(page).display() 页，共 #counter(page).final().first() 页
])
#let label(l) = box(
  width: 100%, height: d.height * 1mm, stroke: 0.4pt + luma(190), radius: 2mm, inset: 2.5mm, clip: true,
  align(center + horizon, stack(
    dir: ttb,
    spacing: d.gap * 1mm,
    image(bytes(l.svg), format: "svg", height: d.qr * 1mm),
    text(size: d.size * 1pt, weight: 700)[#l.name],
    text(size: (d.size - 2.5) * 1pt, fill: luma(50))[#l.where],
    text(size: (d.size - 0.5) * 1pt, weight: 700, tracking: 1pt)[#l.code],
    text(size: (d.size - 3) * 1pt, fill: luma(80))[#d.school · 扫码查看、报告问题],
  )),
)
#grid(columns: (1fr,) * d.per_row, gutter: 3mm, ..d.labels.map(label))
"""


class NoLabels(DomainError):
    code = "no_labels"
    message = "这里没有启用的场所可以打印，请换一个范围或类别。"


class TooManyLabels(DomainError):
    code = "too_many_labels"
    message = "一次最多打印 %(most)d 张，这里有 %(count)d 张。请选择一个楼栋或一种类别分批打印。"


def qr_svg(url: str) -> str:
    """The QR code of an address as SVG, error correction M (readable with 15 % of it dirty)."""
    import segno

    buffer = io.BytesIO()
    segno.make(url, error="m", micro=False).save(buffer, kind="svg", border=2, xmldecl=False, svgns=True)
    return buffer.getvalue().decode()


def chosen(*, by: Actor, within: UUID | None = None, kind: str = "", size: str = "medium") -> list[Place]:
    """The open places whose labels would be printed, in the order of the tree; `within` keeps one subtree.

    Raises NotAllowed, NotFound, Invalid (no such size), NoLabels, TooManyLabels.
    """
    rows = queries.places(by=by, within=within, kind=kind or None)
    if size not in PER_ROW:
        raise Invalid("标签大小只能是 large、medium 或 small。", field="size")
    count = rows.count()
    if not count:
        raise NoLabels
    if count > MOST_LABELS:
        raise TooManyLabels(most=MOST_LABELS, count=count)
    return list(rows.order_by("full_name"))


def sheet(places: Sequence[Place], *, school: str, address: str, size: str = "medium", by: Actor) -> bytes:
    """An A4 PDF with one label per place: QR of `address` + code, name, where it is, short code.

    `address` ends where the code follows ("https://alpha.example/q/"); `places` are those of `chosen`.
    Raises NotAllowed, NoFonts.
    """
    if not policies.can_read_places(by):
        raise NotAllowed
    per_row = PER_ROW[size]
    height, qr, points, gap = {2: (86, 55, 15, 2.4), 3: (64, 39, 11, 1.9), 4: (51, 31, 8.5, 1.5)}[per_row]
    labels = []
    for place in places:
        where = place.full_name.rsplit(" / ", 1)[0] if " / " in place.full_name else place.get_kind_display()
        labels.append({"name": place.name, "where": where, "code": place.code, "svg": qr_svg(address + place.code)})
    data = {
        "title": f"{school} 场所二维码",
        "school": school,
        "per_row": per_row,
        "height": height,
        "qr": qr,
        "size": points,
        "gap": gap,
        "labels": labels,
    }
    return pdf(SOURCE, data)
