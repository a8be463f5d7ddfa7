"""What is written into rows, so that whoever sees a row can be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Marks:
    """What is written into the rows of one owner, and looked for in everybody else's answers."""

    long: str  # at least one per text column that has room
    short: str  # where the column is too narrow
    phone: str
    id_card: str
    email: str

    @property
    def words(self) -> tuple[str, ...]:
        return (self.long, self.short, self.phone, self.id_card, self.email)

    def text(self, width: int | None) -> str:
        if width is None or width >= len(self.long):
            return self.long
        return self.short[:width]


ALPHA = Marks("ALPHA哨兵7391", "QA739", "13800007391", "440106199003070015", "qa7391@alpha.test")
BETA = Marks("BETA哨兵8462", "QB846", "13900008462", "440106198507150027", "qb8462@beta.test")
# What the platform keeps about a school in public tables; the institute may see some of it.
ALPHA_PUBLIC = Marks("ALPHA公表4417", "PA441", "13700004417", "440106197903070011", "pa4417@alpha.test")
BETA_PUBLIC = Marks("BETA公表5531", "PB553", "13600005531", "440106197807150023", "pb5531@beta.test")
INSTITUTE = Marks("INSTITUTE哨兵2207", "QI220", "13500002207", "440106196903070017", "qi2207@institute.test")

PUBLISHED = Marks("公开资料", "公开", "13500001100", "440106195802070018", "published@institute.test")  # for everybody
# Another property company in the same school: its rows are not for the first one's people.
RIVAL = Marks("RIVAL他司哨兵9053", "QR905", "13400009053", "440106195902070012", "qr9053@rival.test")
