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


def hydrant(random: Random) -> bytes:
    """A hydrant cabinet on a brick wall, as a guard photographs it on a tour: no two shots from one standpoint (JPEG)."""
    picture = Image.new("RGB", (960, 720), "#8f8a83")
    pen = ImageDraw.Draw(picture)
    for row in range(15):
        for brick in range(-1, 13):
            x, y, shade = brick * 84 + row % 2 * 42, row * 40, random.randint(-22, 22)
            pen.rectangle((x, y, x + 79, y + 35), fill=(156 + shade, 92 + shade, 74 + shade))
    for tile in range(9):
        shade = random.randint(-10, 10)
        pen.polygon([(tile * 110, 600), (tile * 110 + 105, 600), (tile * 124 + 92, 720), (tile * 124 - 28, 720)],
                    fill=(176 + shade, 178 + shade, 180 + shade))  # fmt: skip
    left, top = random.randint(280, 420), random.randint(150, 210)
    pen.rectangle((left, top, left + 260, top + 360), fill="#b3261e", outline="#6d1510", width=8)
    pen.rectangle((left + 30, top + 40, left + 230, top + 220), fill="#cfd8dc", outline="#6d1510", width=4)
    pen.ellipse((left + 70, top + 70, left + 190, top + 190), outline="#7a6a58", width=22)
    for line in range(4):
        pen.rectangle(
            (left + 60, top + 250 + line * 22, left + random.randint(150, 200), top + 258 + line * 22), fill="#fbe9e7"
        )
    pen.rectangle((left - 190, 70, left - 70, 110), fill="#1b8a4b")  # the sign to the emergency exit
    pen.polygon([(left - 170, 90), (left - 140, 78), (left - 140, 102)], fill="#ffffff")
    tilted = picture.transform(
        picture.size, Image.Transform.QUAD, _tilted(random, *picture.size), Image.Resampling.BICUBIC
    )
    return _bytes(tilted, "JPEG", quality=88)


def cut(picture: bytes) -> bytes:
    """The same shot, its edges cut off and saved again with less care."""
    shot = Image.open(io.BytesIO(picture))
    return _bytes(shot.crop((60, 45, 900, 675)), "JPEG", quality=70)


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
