"""What other features hand to schools and are handed by them."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchool:
    """A school the institute selected, as its application describes it.

    `slug` empty: the first free suggestion from the name's pinyin is taken. `admin_*` is the person
    who is invited as the first administrator when the school is ready.
    """

    name: str
    kind: str
    region: str
    mode: str
    slug: str = ""
    city: str = ""
    school_code: str = ""
    credit_code: str = ""
    line_modes: dict[str, str] = field(default_factory=dict)
    students: int = 0
    staff_count: int = 0
    campuses: int = 1
    trial: bool = True
    application_id: UUID | None = None
    admin_name: str = ""
    admin_email: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the seeding of a new school may depend on."""

    kind: str
    mode: str
    line_modes: dict[str, str]
    students: int
    region: str
    city: str


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """Who is to be invited into a school that has just opened."""

    school_id: UUID
    school_name: str
    name: str
    email: str
