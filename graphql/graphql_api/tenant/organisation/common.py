"""What the writes share."""

from __future__ import annotations

from typing import Any

from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from tenants.organisation import policies


class Write(DomainMutation):
    class Meta:
        abstract = True

    scope = policies.WRITE


def by_and_tenant(context: Context) -> dict[str, Any]:
    return {"by": context.actor, "tenant": context.tenant}
