"""GraphQL over HTTP for both hosts, as the GraphQL-over-HTTP specification (draft of 2025) says.

`application/graphql-response+json` answers 4xx for requests that cannot run; `application/json` keeps
the older 200. No exception text leaves: a refusal of the domain carries its code and sentence,
anything else the code INTERNAL and the request id under which it was logged.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from graphene import Schema
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    Node,
    OperationType,
    StringValueNode,
    execute,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule

from graphql_api import limits
from graphql_api.context import Context
from graphql_api.loaders import Execution
from identity.choices import Via
from kernel.errors import DomainError
from kernel.text import storable

log = structlog.get_logger(__name__)
GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
UNSTORABLE = "文字中有无法保存的字符（NUL 或不成对的代理字符）"


class BadRequest(Exception):
    """The HTTP request is no GraphQL request; `status` and `code` say why."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


class _CsrfCheck(CsrfViewMiddleware):
    """Django's own check, asked for its verdict instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:  # type: ignore[override]
        return reason


@method_decorator(csrf_exempt, name="dispatch")  # sessions are checked in `_guard`; tokens need no check
class ApiView(View):
    """One schema per host; the context carries actor, school and loaders."""

    schema: Schema = None  # type: ignore[assignment]

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseNotAllowed:
        return HttpResponseNotAllowed(["GET", "POST"])

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(status=204, headers={"Allow": "GET, POST"})

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        kind = JSON
        try:
            kind = _wanted_type(request)
            _guard(request)
            asked = _asked(request)
            return self._run(request, kind, asked)
        except BadRequest as bad:
            error = GraphQLError(bad.message, extensions={"code": bad.code})
            return _respond(ExecutionResult(None, [error]), kind, status=bad.status)

    def _run(self, request: HttpRequest, kind: str, asked: dict[str, Any]) -> HttpResponse:
        refused = 400 if kind == GRAPHQL else 200
        known = (id(self.schema), settings.GRAPHQL_INTROSPECTION, asked["query"])
        try:
            document = _valid.get(known) or parse(asked["query"], max_tokens=limits.MAX_TOKENS)
        except GraphQLError as error:
            return _respond(ExecutionResult(None, [_coded(error, "GRAPHQL_PARSE_FAILED")]), kind, status=refused)
        if "\\u" in asked["query"] and not all(storable(text) for text in _literals(document)):
            unclear = GraphQLError(UNSTORABLE, extensions={"code": "BAD_REQUEST"})
            return _respond(ExecutionResult(None, [unclear]), kind, status=refused)
        variables = asked.get("variables") or {}
        weight = limits.weigh(document, asked.get("operationName"), variables)
        cost = {"cost": {"asked": weight.cost, "limit": limits.MAX_COST}}
        try:
            limits.check(weight)
        except limits.TooMuch as error:
            return _respond(ExecutionResult(None, [error], extensions=cost), kind, status=refused)
        rules = [*specified_rules, *([] if settings.GRAPHQL_INTROSPECTION else [NoSchemaIntrospectionCustomRule])]
        errors = [] if known in _valid else validate(self.schema.graphql_schema, document, rules, max_errors=5)
        if errors:
            coded = [_coded(error, "GRAPHQL_VALIDATION_FAILED") for error in errors]
            return _respond(ExecutionResult(None, coded, extensions=cost), kind, status=refused)
        if request.actor.signed_in:  # type: ignore[attr-defined]
            _remember(known, document)
        operation = get_operation_ast(document, asked.get("operationName"))
        if operation is None:
            unclear = GraphQLError("operationName 不明确", extensions={"code": "OPERATION_RESOLUTION_FAILURE"})
            return _respond(ExecutionResult(None, [unclear], extensions=cost), kind, status=refused)
        if request.method == "GET" and operation.operation != OperationType.QUERY:
            answer = _respond(
                ExecutionResult(None, [GraphQLError("GET 只能查询", extensions={"code": "GET_MUTATION"})]),
                kind,
                status=405,
            )
            answer["Allow"] = "POST"
            return answer
        result = self._execute(request, document, variables, asked.get("operationName"))
        result.extensions = {**(result.extensions or {}), **cost}
        return _respond(result, kind, status=refused if result.data is None and _not_started(result) else 200)

    def _execute(
        self, request: HttpRequest, document: DocumentNode, variables: dict[str, Any], operation_name: str | None
    ) -> ExecutionResult:
        context = Context(request=request, actor=request.actor, school=request.school)  # type: ignore[attr-defined]
        result = execute(
            self.schema.graphql_schema, document, context_value=context, variable_values=variables,
            operation_name=operation_name, execution_context_class=Execution,
        )  # fmt: skip
        assert isinstance(result, ExecutionResult)
        result.errors = [_safe(error) for error in result.errors] if result.errors else None
        return result


# Programs ask the same documents with other variables: what was parsed and found valid is kept, the newest last.
# Only of people and programs who are signed in, and only of a usual length: a stranger fills no memory of ours.
_valid: OrderedDict[tuple[int, bool, str], DocumentNode] = OrderedDict()
KEPT, LONGEST = 200, 4_000


def _remember(key: tuple[int, bool, str], document: DocumentNode) -> None:
    if key in _valid or len(key[2]) > LONGEST:
        return
    while len(_valid) >= KEPT:
        with suppress(KeyError):  # another thread was faster
            _valid.popitem(last=False)
    _valid[key] = document


def _wanted_type(request: HttpRequest) -> str:
    """The response type by the Accept header; the newer one only where it is asked for by name or wildcard subtype."""
    accept = request.headers.get("Accept")
    if not accept:
        return JSON
    wanted = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    for kind in wanted:
        if kind in {GRAPHQL, JSON}:
            return kind
        if kind in {"*/*", "application/*"}:
            return JSON
    raise BadRequest("NOT_ACCEPTABLE", f"可返回的类型：{GRAPHQL}、{JSON}", status=406)


def _guard(request: HttpRequest) -> None:
    """A session proves who sends, not who wrote: cookies need the CSRF token as everywhere else."""
    if request.method == "POST" and request.actor.signed_in and request.actor.via == Via.SESSION:  # type: ignore[attr-defined]
        check = _CsrfCheck(lambda _request: HttpResponse())
        check.process_request(request)
        if check.process_view(request, _plain_view, (), {}):
            raise BadRequest("CSRF", "缺少或错误的 X-CSRFToken 请求头", status=403)


def _plain_view(request: HttpRequest) -> HttpResponse:
    """Stands for a view that is not exempt."""
    return HttpResponse()


def _asked(request: HttpRequest) -> dict[str, Any]:
    """The request's parameters with their shapes checked. Raises BadRequest."""
    if request.method == "GET":
        asked: Any = {key: request.GET[key] for key in ("query", "operationName") if key in request.GET}
        for key in ("variables", "extensions"):
            if request.GET.get(key):
                try:
                    asked[key] = json.loads(request.GET[key])
                except ValueError:
                    raise BadRequest("BAD_REQUEST", f"{key} 不是 JSON") from None
    else:
        if request.content_type != JSON:
            raise BadRequest("UNSUPPORTED_MEDIA_TYPE", f"请用 {JSON} 发送", status=415)
        charset = (request.content_params or {}).get("charset", "utf-8")
        if charset.lower() not in {"utf-8", "utf8"}:
            raise BadRequest("UNSUPPORTED_MEDIA_TYPE", "只支持 UTF-8", status=415)
        try:
            asked = json.loads(request.body.decode("utf-8"))
        except (ValueError, RecursionError):
            raise BadRequest("BAD_REQUEST", "请求体不是 JSON") from None
        if not isinstance(asked, dict):
            raise BadRequest("BAD_REQUEST", "请求体必须是一个 JSON 对象；不支持批量请求")
    if not isinstance(asked.get("query"), str) or not asked["query"].strip():
        raise BadRequest("BAD_REQUEST", "缺少字符串 query")
    for key, shape in (("variables", dict), ("extensions", dict), ("operationName", str)):
        if asked.get(key) is not None and not isinstance(asked[key], shape):
            raise BadRequest("BAD_REQUEST", f"{key} 的类型不对")
    if not storable(asked):
        raise BadRequest("BAD_REQUEST", UNSTORABLE)
    return cast("dict[str, Any]", asked)


def _literals(document: DocumentNode) -> Iterator[str]:
    """The texts written into the document itself."""
    waiting: list[Node] = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, StringValueNode):
            yield node.value
        for key in node.keys:
            child = getattr(node, key, None)
            waiting += [each for each in (child if isinstance(child, tuple) else (child,)) if isinstance(each, Node)]


def _coded(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {"code": code, **(error.extensions or {})}
    return error


def _safe(error: GraphQLError) -> GraphQLError:
    """Translate what a resolver raised: refusals keep their sentence, accidents are logged and hidden."""
    original = error.original_error
    if original is None or isinstance(original, GraphQLError):
        return _coded(error, "GRAPHQL_EXECUTION_FAILED")
    if isinstance(original, DomainError):
        return GraphQLError(
            original.sentence, nodes=error.nodes, path=error.path, extensions={"code": original.code.upper()}
        )
    log.error("graphql_resolver_failed", path=error.path, exc_info=original)
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    return GraphQLError(
        "服务器内部错误，请稍后再试；如持续出现，请把请求编号告知平台。", nodes=error.nodes, path=error.path,
        extensions={"code": "INTERNAL", "requestId": request_id},
    )  # fmt: skip


def _not_started(result: ExecutionResult) -> bool:
    """Whether the request failed before execution (variables did not fit): such errors have no path."""
    return bool(result.errors) and all(error.path is None for error in result.errors or [])


def _respond(result: ExecutionResult, kind: str, *, status: int) -> HttpResponse:
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    if result.data is not None or (status == 200 and not (result.errors and _not_started(result))):
        body["data"] = result.data
    if result.extensions:
        body["extensions"] = result.extensions
    return HttpResponse(
        json.dumps(body, ensure_ascii=False, default=str), status=status, content_type=f"{kind}; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )  # fmt: skip
