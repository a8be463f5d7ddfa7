"""Who must stay away: the same employer, a school they are tied to, or their own word."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from identity import people
from institute.applications.choices import ConflictKind
from institute.applications.models import Application, ReviewerProfile
from institute.providers import queries as providers
from institute.schools import lookup

_NOISE = re.compile(r"[\s·•・,，.。、()（）《》“”\"'\-—_/]+")
_LEAST = 4  # characters; shorter names ("一中") are compared whole, never as a part


@dataclass(frozen=True, slots=True)
class Found:
    """One reason to stay away, in words for the committee."""

    kind: ConflictKind
    reason: str


def key_of(name: str) -> str:
    """A name without blanks, brackets, width and case, so that spellings of one body meet."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", name)).casefold()


def same_body(one: str, other: str) -> bool:
    """Whether two names mean the same body, or one a part of the other (华星大学后勤处 in 华星大学)."""
    a, b = key_of(one), key_of(other)
    if not a or not b:
        return False
    return a == b or (len(a) >= _LEAST and a in b) or (len(b) >= _LEAST and b in a)


def bodies_of(account_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """The names of the schools and companies in which accounts hold a role on this platform. Three queries."""
    held = people.spaces_of(account_ids)
    schools = lookup.names_of({s for _a, s, _p in held if s})
    companies = providers.providers_by_id({p for _a, _s, p in held if p})
    found: dict[UUID, list[str]] = defaultdict(list)
    for account_id, school_id, provider_id in held:
        if school_id in schools:
            found[account_id].append(schools[school_id])
        if provider_id in companies:
            found[account_id].append(companies[provider_id].name)
    return found


def by_role(bodies: Iterable[str], application: Application) -> list[Found]:
    """What an account's own roles on this platform say: they act in the applying school or for a company it names."""
    companies = [c for c in re.split(r"[、,，;；\n]+", application.provider_names) if c.strip()]
    for body in bodies:
        if any(same_body(body, other) for other in (application.name, *companies)):
            return [Found(ConflictKind.EMPLOYER, f"在本平台担任“{body}”的工作")]
    return []


def derived(profile: ReviewerProfile, application: Application) -> list[Found]:
    """What the profile says against this reviewer. Numbers in `past_schools` are read as school codes."""
    found: list[Found] = []
    companies = [c for c in re.split(r"[、,，;；\n]+", application.provider_names) if c.strip()]
    for body in (application.name, *companies):
        if same_body(profile.employer, body):
            found.append(Found(ConflictKind.EMPLOYER, f"工作单位“{profile.employer}”与“{body.strip()}”为同一单位"))
            break
    codes = {application.school_code, application.credit_code} - {""}
    for past in profile.past_schools:
        if past.strip().upper() in codes or same_body(past, application.name):
            found.append(Found(ConflictKind.SCHOOL, f"曾在“{past}”任职、就读或申报应回避"))
            break
    return found
