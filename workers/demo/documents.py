"""Pictures made for the demo: a sheet of paper, a photo of a place. Nobody's photo is used."""

import io
from random import Random

from PIL import Image, ImageDraw


def letter(school: str, title: str) -> bytes:
    """A scanned-looking page (PNG)."""
    random = Random(f"{school}{title}")  # noqa: S311  (deterministic on purpose)
    page = Image.new("RGB", (620, 877), "#fbfaf6")
    pen = ImageDraw.Draw(page)
    pen.rectangle((60, 60, 560, 64), fill="#b3261e")
    for line in range(22):
        width = 480 if random.random() < 0.85 else random.randint(120, 400)
        pen.rectangle((70, 130 + line * 26, 70 + width, 136 + line * 26), fill="#50545c")
    pen.ellipse((400, 690, 520, 810), outline="#c4362c", width=6)
    return _bytes(page, "PNG")


def scene(random: Random, *, stains: int, shade: str) -> bytes:
    """A corridor with `stains` of nine stains left, from the same standpoint by another hand each time (JPEG)."""
    picture = Image.new("RGB", (960, 720), shade)
    pen = ImageDraw.Draw(picture)
    horizon = 300 + random.randint(-20, 20)
    pen.polygon([(0, 720), (960, 720), (620, horizon), (340, horizon)], fill="#b9bcc2")
    pen.polygon([(0, 0), (340, horizon - 120), (340, horizon), (0, 720)], fill="#e4e2da")
    pen.polygon([(960, 0), (620, horizon - 120), (620, horizon), (960, 720)], fill="#d9d6cc")
    pen.rectangle((340, horizon - 120, 620, horizon), fill="#cfd8dc")
    for door in range(3):
        x = 60 + door * 85
        pen.polygon([(x, 120 + door * 40), (x + 55, 150 + door * 38), (x + 55, 600 - door * 70), (x, 640 - door * 70)],
                    fill="#8d6e63")  # fmt: skip
    x, y = random.randint(300, 560), random.randint(horizon + 120, 620)
    for number in range(9):
        dx, dy, size = random.randint(-60, 60), random.randint(-25, 25), random.randint(14, 52)
        if number < stains:
            pen.ellipse((x + dx - size, y + dy - size // 3, x + dx + size, y + dy + size // 3), fill="#5d5348")
    if stains < 9:  # nobody holds a phone the same way twice
        picture = picture.transform(
            picture.size, Image.Transform.QUAD, _tilted(random, *picture.size), Image.Resampling.BICUBIC
        )
    return _bytes(picture, "JPEG", quality=82)


def _tilted(random: Random, width: int, height: int) -> list[float]:
    """Upper left, lower left, lower right, upper right: each corner 1–8 % further in."""
    corners = [(0, 0, 1, 1), (0, height, 1, -1), (width, height, -1, -1), (width, 0, -1, 1)]
    return [
        part
        for x, y, across, down in corners
        for part in (x + across * width * random.uniform(0.01, 0.08), y + down * height * random.uniform(0.01, 0.08))
    ]


def _bytes(picture: Image.Image, kind: str, **options: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()
