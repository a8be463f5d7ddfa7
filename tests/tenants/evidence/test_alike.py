"""A copy is found after recompression, scaling and cropping; another shot of the same place is not one."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from tenants.evidence.alike import is_copy, likeness


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
        pytest.param(lambda i: ImageEnhance.Brightness(i).enhance(1.2), id="brighter"),
    ],
)
def test_a_copy_is_found(seed: int, change: object) -> None:
    original = scene(seed)
    copy = change(original)  # type: ignore[operator]
    assert is_copy(jpeg(thumb(original)), jpeg(thumb(copy), quality=40))


@pytest.mark.parametrize("seed", range(6))
def test_another_shot_of_the_same_place_is_no_copy(seed: int) -> None:
    assert not is_copy(jpeg(thumb(scene(seed))), jpeg(thumb(scene(seed, shift=(14, 6), noise=8))))


@pytest.mark.parametrize("seed", range(6))
def test_another_place_is_no_copy(seed: int) -> None:
    assert likeness(jpeg(thumb(scene(seed))), jpeg(thumb(scene(seed + 100)))) < 0.9


def test_the_dark_and_a_white_wall_prove_nothing() -> None:
    dark, wall = Image.new("RGB", (400, 300), "black"), Image.new("RGB", (400, 300), "white")
    assert likeness(jpeg(dark), jpeg(dark)) == likeness(jpeg(wall), jpeg(wall)) == 0.0
    assert likeness(b"no picture", jpeg(scene(1))) == 0.0
