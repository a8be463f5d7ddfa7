"""GraphQL over HTTP for both hosts."""

from typing import Any

from django.http import HttpRequest
from graphene_django.views import GraphQLView
from graphql_sync_dataloaders import DeferredExecutionContext

from graphql_api.context import Context


class ApiView(GraphQLView):
    """One schema per host; the context carries actor, school and loaders."""

    def __init__(self, **options: Any) -> None:
        super().__init__(graphiql=False, execution_context_class=DeferredExecutionContext, **options)

    def get_context(self, request: HttpRequest) -> Any:
        return Context(request=request, actor=request.actor, school=request.school)  # type: ignore[attr-defined]
