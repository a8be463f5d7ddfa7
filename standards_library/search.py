"""Finding Chinese text without a search extension: one stored string per row, every word a substring of it.

The embedded PostgreSQL has neither pg_trgm nor ICU; the library holds some hundred rows, so `LIKE` over
a prepared text is exact and quick. Pinyin initials of the titles are part of it: "jgbj" finds 距骨… only
where a title says so.
"""

import re
import unicodedata
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

_BLANKS = re.compile(r"\s+")
_CODE_JOINTS = re.compile(r"[\s/\-—–]+")


def normal(text: str) -> str:
    """Lower case, full-width forms made half-width, single blanks."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()


@lru_cache(maxsize=4096)
def initials(text: str) -> str:
    """Pinyin initials of the Chinese characters: 消防设施 → xfss."""
    letters = lazy_pinyin(text, style=Style.FIRST_LETTER, errors=lambda _: "")
    return "".join(letters).lower()


def search_text(*parts: str, codes: tuple[str, ...] = (), titles: tuple[str, ...] = ()) -> str:
    """What a row is found by. `codes` are also kept without blanks and dashes, `titles` also as pinyin initials."""
    said = [normal(p) for p in (*parts, *codes, *titles) if p]
    said += [_CODE_JOINTS.sub("", normal(code)) for code in codes if code]
    said += [initials(title) for title in titles if title]
    return " | ".join(dict.fromkeys(said))


def words(query: str) -> list[str]:
    """The words of a query; all must be found."""
    return normal(query).split()[:8]
