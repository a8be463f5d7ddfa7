from django.urls import path

from graphql_api.public_schema import schema
from graphql_api.view import ApiView

urlpatterns = [path("", ApiView.as_view(schema=schema), name="graphql")]
