"""What a new school is given besides its tables. `workers.seeding` registers what the features offer.

A seeder runs inside the school's schema and in the transaction that makes the school ready: all of
them took hold, or the school is not ready. It gets the tenant and the school's profile.
"""

from collections.abc import Callable

from institute.schools.contracts import Profile
from kernel.tenancy import Tenant

Seeder = Callable[[Tenant, Profile], None]
_seeders: dict[str, Seeder] = {}


def register(name: str, seeder: Seeder) -> None:
    """Called when Django starts; a second registration of a name replaces the first."""
    _seeders[name] = seeder


def seed(tenant: Tenant, profile: Profile) -> list[str]:
    """Run all seeders in the order of registration; returns their names."""
    for seeder in _seeders.values():
        seeder(tenant, profile)
    return list(_seeders)
