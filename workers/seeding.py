"""What each feature gives a new school: default data, in the order listed.

A seeder is `(tenant, profile) -> None`, runs inside the school in the transaction that makes it ready,
and calls operations of its feature only. `institute` cannot import `tenants`; they meet here.
"""

from institute.schools import seeding
from institute.schools.seeding import Seeder

SEEDERS: dict[str, Seeder] = {}


def register_all() -> None:
    """Called once when Django starts."""
    for name, seeder in SEEDERS.items():
        seeding.register(name, seeder)
