"""The name a school answers to: `<slug>.<suffix>`, and the name of its schema."""

import re
from collections.abc import Iterator

from pypinyin import Style, lazy_pinyin

SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9]))+\Z")
LONGEST = 40
# Names that lead elsewhere today or may one day, and those our own schemas use.
RESERVED = frozenset(
    {
        "www",
        "api",
        "app",
        "admin",
        "institute",
        "public",
        "static",
        "media",
        "assets",
        "cdn",
        "mail",
        "smtp",
        "imap",
        "ftp",
        "ns",
        "ns1",
        "ns2",
        "dns",
        "vpn",
        "git",
        "login",
        "sso",
        "auth",
        "accounts",
        "account",
        "graphql",
        "console",
        "status",
        "health",
        "help",
        "docs",
        "blog",
        "demo",
        "test",
        "testing",
        "staging",
        "dev",
        "localhost",
        "template",
        "spare",
        "postgres",
        "pg",
        "root",
        "system",
        "support",
        "billing",
        "pay",
        "webhook",
        "webhooks",
        "school",
        "schools",
        "tenant",
        "tenants",
        "cielm",
        "platform",
    }
)


def schema_of(slug: str) -> str:
    """`s_` and the slug with underscores; slugs hold no underscore, so no two meet."""
    return f"s_{slug.replace('-', '_')}"


def well_formed(slug: str) -> bool:
    """2–40 characters: a letter, then letters, digits and single hyphens inside."""
    return 2 <= len(slug) <= LONGEST and SLUG.match(slug) is not None


def pinyin_key(name: str) -> str:
    """Full pinyin, then initials: "huananligong daxue hnlgdx" is found by any part of either."""
    full = lazy_pinyin(name)
    return f"{''.join(full)} {''.join(lazy_pinyin(name, style=Style.FIRST_LETTER))}".lower()


def suggestions(name: str) -> Iterator[str]:
    """Slugs for a school's name, best first: initials, full pinyin, initials with a number."""
    initials = re.sub(r"[^a-z0-9]", "", "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower())[:LONGEST]
    full = re.sub(r"[^a-z0-9]", "", "".join(lazy_pinyin(name)).lower())[:LONGEST]
    stem = initials if well_formed(initials) else "school"
    yield from (s for s in (initials, full) if well_formed(s))
    yield from (f"{stem[: LONGEST - 4]}-{n}" for n in range(2, 1000))
