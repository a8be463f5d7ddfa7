"""What a resolver is handed as `info.context`."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from identity.contracts import Actor
from kernel.tenancy import Tenant


@dataclass
class Context:
    """One per request: who asks, in which school (None on the public host), and the loaders made so far."""

    request: HttpRequest
    actor: Actor
    school: Tenant | None
    loaders: dict[str, Any] = field(default_factory=dict)
    columns_only: dict[Any, bool] = field(default_factory=dict)  # of `loaders.at_hand`, per field of the document

    @property
    def tenant(self) -> Tenant:
        assert self.school is not None, "only on a school host"
        return self.school
