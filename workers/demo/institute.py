"""The institute's people and the property company of the demo."""

from dataclasses import dataclass

from identity.choices import Role
from identity.contracts import Actor
from institute.providers import operations as providers
from institute.providers.contracts import ProviderRef
from workers.demo.people import account

COMPANY = "澄屿湾物业服务有限公司"
COMPANY_CODE = "91330000MA7DEM0X2C"
FIRE_COMPANY = "屿安消防技术服务有限公司"
FIRE_COMPANY_CODE = "91330000MA7DEM1Y36"


@dataclass(frozen=True)
class Institute:
    """Who acts for the institute."""

    admin: Actor
    reviewers: tuple[Actor, ...]


def make() -> Institute:
    """Make the institute's accounts."""
    admin = account("institute", "研究院值班员", Role.INSTITUTE_ADMIN)
    account("analyst", "研究院分析员", Role.INSTITUTE_ANALYST)
    reviewers = tuple(
        account(f"reviewer{n}", name, Role.INSTITUTE_REVIEWER)
        for n, name in enumerate(("评审专家甲", "评审专家乙", "评审专家丙"), start=1)
    )
    return Institute(admin, reviewers)


def provider(staff: Institute) -> ProviderRef:
    """The property company that serves both schools."""
    return providers.ensure_provider(credit_code=COMPANY_CODE, name=COMPANY, by=staff.admin)


def fire_provider(staff: Institute) -> ProviderRef:
    """A small company that keeps watch in a fire control room."""
    return providers.ensure_provider(credit_code=FIRE_COMPANY_CODE, name=FIRE_COMPANY, by=staff.admin)
