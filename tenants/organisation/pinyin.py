"""Sort and search keys: the database sorts by code point, people by pinyin."""

import re
from functools import lru_cache
from typing import Any, cast

_DIGITS = re.compile(r"\d+")


@lru_cache(maxsize=20_000)
def _syllables(text: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin  # 30 MB of dictionaries: only where names are written or searched

    return tuple(lazy_pinyin(text, errors=cast("Any", list)))


def pinyin_key(name: str, limit: int) -> str:
    """Return "zhangsan zs" for 张三. Digits are padded so that 2号楼 stands before 10号楼; at most `limit` long.

    First the sort key (numbers padded), then the initials, then the whole in plain digits where it differs.
    """
    parts = [p.lower() for p in _syllables(name.strip()) if p.strip()]
    plain = "".join(parts)
    padded = _DIGITS.sub(lambda m: m.group().zfill(4), plain)
    initials = "".join(p[0] for p in parts)
    words = [padded, initials] + ([plain] if plain != padded else [])
    return " ".join(words)[:limit]


def search_key(text: str) -> str:
    """What a person typed into a search box, as it is found in a pinyin key."""
    return "".join(text.lower().split())
