"""A copy is found after recompression, scaling and cropping; another shot of the same place is not one."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from tenants.evidence.alike import Turned, is_copy, likeness
from tenants.evidence.looks import corners_of, fit, words_of


def scene(seed: int, *, shift: tuple[int, int] = (0, 0), noise: int = 6) -> Image.Image:
    """A made-up corridor: shapes of a seed, seen from a place moved by `shift` pixels, with a sensor's noise."""
    dice = random.Random(seed)
    image = Image.new("RGB", (800, 600), tuple(dice.randrange(60, 200) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for depth in range(60):
        x, y = dice.randrange(-50, 800), dice.randrange(-50, 600)
        w, h = dice.randrange(10, 160), dice.randrange(10, 160)
        # Near things move more than far ones, as they do for a person who does not stand on the same spot.
        x, y = x + shift[0] * (depth % 5) // 2, y + shift[1] * (depth % 5) // 2
        shape = draw.rectangle if dice.random() < 0.6 else draw.ellipse
        shape((x, y, x + w, y + h), fill=tuple(dice.randrange(256) for _ in range(3)))
    grain = random.Random(f"{seed}{shift}{noise}")
    speck = Image.frombytes("L", (200, 150), grain.randbytes(200 * 150)).resize((800, 600)).convert("RGB")
    return Image.blend(image.filter(ImageFilter.GaussianBlur(1)), speck, noise / 100)


def grainy(light: np.ndarray, seed: int, grain: float = 3.0) -> Image.Image:
    """What a sensor makes of so much light, 600×800."""
    noise = np.random.default_rng(seed).normal(0, grain, light.shape)
    return Image.fromarray(np.clip(light + noise, 0, 255).astype(np.uint8)).convert("RGB")


def night(seed: int, lamps: int = 1) -> Image.Image:
    """The dark with so many lamps in it, each with its glow."""
    dice = random.Random(seed)
    down, across = np.mgrid[0:600, 0:800]
    light = np.full((600, 800), 8.0)
    for _n in range(lamps):
        x, y, size = dice.uniform(80, 720), dice.uniform(80, 520), dice.uniform(10, 60)
        far = np.hypot(across - x, down - y)
        light += 230 * np.exp(-((far / size) ** 2)) + 50 * np.exp(-far / (4 * size))
    return grainy(light, seed)


def bare_wall(seed: int) -> Image.Image:
    """A wall in light that falls off to one side."""
    dice = random.Random(seed)
    down, across = np.mgrid[0:600, 0:800]
    turn = dice.uniform(0, 6.28)
    return grainy(120 + dice.uniform(60, 110) * (across / 800 * np.cos(turn) + down / 600 * np.sin(turn)), seed)


def tiles(seed: int, left: int = 0, top: int = 0) -> Image.Image:
    down, across = np.mgrid[0:600, 0:800]
    grout = ((across + left) % 60 < 4) | ((down + top) % 60 < 4)
    return grainy(np.where(grout, 90.0, 170.0), seed, 4)


def printed(image: Image.Image, lines: list[str]) -> Image.Image:
    """With a camera app's lines at the foot."""
    copy = image.copy()
    for n, line in enumerate(lines):
        ImageDraw.Draw(copy).text((30, 430 + 50 * n), line, fill="white", font=ImageFont.load_default(size=34))
    return copy


def by_hand(image: Image.Image, seed: int, tilt: float) -> Image.Image:
    """The same sight from another hand: each corner up to `tilt` of the picture elsewhere."""
    dice = random.Random(seed)
    w, h = image.size
    corners = [(0, 0), (0, h), (w, h), (w, 0)]
    moved = [
        c + dice.choice((-1, 1)) * dice.uniform(0.6, 1) * tilt * s
        for xy in corners
        for c, s in zip(xy, (w, h), strict=True)
    ]
    return image.transform((w, h), Image.Transform.QUAD, moved, Image.Resampling.BICUBIC)


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def thumb(image: Image.Image) -> Image.Image:
    small = image.copy()
    small.thumbnail((400, 400))
    return small


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda i: i, id="same"),
        pytest.param(lambda i: i.resize((640, 480)), id="scaled"),
        pytest.param(lambda i: i.crop((80, 60, 720, 540)), id="a tenth cut from each side"),
        pytest.param(lambda i: i.crop((0, 0, 560, 420)), id="the upper left 70 %"),
        pytest.param(lambda i: i.crop((300, 150, 760, 560)), id="about half of it"),
        pytest.param(lambda i: i.crop((37, 51, 691, 577)), id="an odd piece of it"),
        pytest.param(lambda i: i.crop((200, 0, 600, 600)), id="upright out of lying"),
        pytest.param(lambda i: ImageEnhance.Brightness(i).enhance(1.2), id="brighter"),
    ],
)
def test_a_copy_is_found(seed: int, change: object) -> None:
    original = scene(seed)
    copy = change(original)  # type: ignore[operator]
    assert is_copy(jpeg(thumb(original)), jpeg(thumb(copy), quality=40))


TURNS = [Turned(mirrored, quarters) for mirrored in (False, True) for quarters in range(4)]


def done_to(image: Image.Image, turned: Turned) -> Image.Image:
    """The picture mirrored and turned."""
    return Image.fromarray(np.ascontiguousarray(turned.of(np.asarray(image))))


@pytest.mark.parametrize("turned", TURNS[1:], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_a_mirrored_or_turned_copy_is_found_by_its_corners(seed: int, turned: Turned) -> None:
    """Its words lead to the original, and how the corners lie says how to turn it back."""
    original = jpeg(thumb(scene(seed)))
    copy = jpeg(thumb(done_to(scene(seed).crop((80, 60, 720, 540)), turned)), quality=40)
    shared = {m: len(set(words_of(copy, mirrored=m)) & set(words_of(original))) for m in (False, True)}
    assert shared[turned.mirrored] > 10 > shared[not turned.mirrored]
    found = fit(corners_of(copy, mirrored=turned.mirrored), corners_of(original), mirrored=turned.mirrored)
    assert found.score > 0.8
    assert is_copy(copy, original, turned=found.turned) and not is_copy(copy, original)


@pytest.mark.parametrize("seed", range(6))
def test_another_shot_of_the_same_place_is_no_copy(seed: int) -> None:
    assert not is_copy(jpeg(thumb(scene(seed))), jpeg(thumb(scene(seed, shift=(14, 6), noise=8))))


@pytest.mark.parametrize("seed", range(6))
def test_another_place_is_no_copy(seed: int) -> None:
    assert likeness(jpeg(thumb(scene(seed))), jpeg(thumb(scene(seed + 100)))) < 0.9


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(lambda n: night(n), lambda n: night(n + 50), id="two lamps in the dark"),
        pytest.param(lambda n: night(n), lambda n: by_hand(night(n), n, 0.02), id="one lamp, two nights"),
        pytest.param(lambda n: night(n, 9), lambda n: by_hand(night(n, 9), n, 0.02), id="a row of lamps, two nights"),
        pytest.param(lambda n: bare_wall(n), lambda n: bare_wall(n + 50), id="light falling on two walls"),
        pytest.param(lambda n: tiles(n), lambda n: tiles(n + 50, 13, 21), id="tiles of one kind"),
        pytest.param(lambda n: scene(n), lambda n: by_hand(scene(n, noise=8), n, 0.02), id="the same corridor by hand"),
        pytest.param(
            lambda n: printed(night(n), ["2026-11-24 22:01", "University Road 5", "Patrol by Zhang San"]),
            lambda n: printed(night(n + 50), ["2026-11-25 22:04", "University Road 5", "Patrol by Zhang San"]),
            id="the lines a camera app prints",
        ),
    ],
)
def test_nobody_is_accused_of_honest_pictures(seed: int, one: object, other: object) -> None:
    first, second = jpeg(thumb(one(seed))), jpeg(thumb(other(seed)))  # type: ignore[operator]
    ways = TURNS if seed < 2 else TURNS[:1]  # however the two are laid on each other
    assert not any(is_copy(first, second, turned=turned) for turned in ways)


def test_the_dark_and_a_white_wall_prove_nothing() -> None:
    dark, wall = Image.new("RGB", (400, 300), "black"), Image.new("RGB", (400, 300), "white")
    assert likeness(jpeg(dark), jpeg(dark)) == likeness(jpeg(wall), jpeg(wall)) == 0.0
    assert likeness(b"no picture", jpeg(scene(1))) == 0.0
