"""Who may act in the institute, and one's own tokens there."""

from graphql_api.identity_types import IdentityMutation, IdentityQuery

__all__ = ["IdentityMutation", "IdentityQuery"]
