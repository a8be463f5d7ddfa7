"""What each feature gives a new school: default data, in the order listed.

A seeder is `(tenant, profile) -> None`, runs inside the school in the transaction that makes it ready,
and calls operations of its feature only. `institute` cannot import `tenants`; they meet here.
"""

from identity.contracts import Actor
from institute.schools import seeding
from institute.schools.contracts import Profile
from institute.schools.seeding import Seeder
from kernel.tenancy import Tenant
from standards_library.choices import OperatingMode, ServiceLine
from tenants.organisation import operations as organisation


def service_lines(tenant: Tenant, profile: Profile) -> None:
    """How each line is run, as the application said; lines it did not name follow the school as a whole."""
    modes = {line: profile.line_modes.get(line, profile.mode) for line in ServiceLine.values}
    known = {line: mode for line, mode in modes.items() if mode in OperatingMode.values}
    organisation.start_lines(modes=known, by=Actor.system(tenant.school_id), tenant=tenant)


SEEDERS: dict[str, Seeder] = {"organisation.service_lines": service_lines}


def register_all() -> None:
    """Called once when Django starts."""
    for name, seeder in SEEDERS.items():
        seeding.register(name, seeder)
