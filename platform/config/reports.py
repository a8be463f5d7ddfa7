"""Error reports to Sentry, when SENTRY_DSN is set. Nothing personal leaves the house.

What is sent is built anew from a short list of what may go: the kind of error, where in the code it
happened (file, function, line; no local variables, no messages: a database error quotes the row),
the view's name, the request id, the school's slug, the release. Everything else stays here, in the log.
"""

from typing import Any

_TOP = ("event_id", "timestamp", "level", "platform", "release", "environment", "logger", "type", "start_timestamp")
_FRAME = ("filename", "abs_path", "function", "module", "lineno", "in_app")
_TAGS = ("request_id", "school", "runtime", "celery_task_id")
_RUNTIME = ("name", "version")
_TRACE = ("trace_id", "span_id", "parent_span_id", "op", "status")


def _only(source: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: source[key] for key in keys if isinstance(source, dict) and key in source}


def _stack(trace: Any) -> dict[str, Any]:
    frames = trace.get("frames", []) if isinstance(trace, dict) else []
    return {"frames": [_only(frame, _FRAME) for frame in frames]}


def _values(block: Any) -> list[Any]:
    return block.get("values", []) if isinstance(block, dict) else []


def scrub(event: Any, hint: Any = None) -> Any:
    """Sentry's before_send: a new event that holds only what may leave."""
    import structlog

    clean = _only(event, _TOP)
    clean["exception"] = {
        "values": [
            {**_only(each, ("type", "module")), "value": "", "stacktrace": _stack(each.get("stacktrace"))}
            for each in _values(event.get("exception"))
        ]
    }
    clean["threads"] = {"values": []}
    # The view's pattern, never the path: paths hold names, ids and one-time links.
    info = event.get("transaction_info") or {}
    if info.get("source") in {"route", "component", "task", "view"}:
        clean["transaction"] = event.get("transaction", "")
        clean["transaction_info"] = {"source": info["source"]}
    bound = structlog.contextvars.get_contextvars()
    tags = event.get("tags") if isinstance(event.get("tags"), dict) else {}
    clean["tags"] = _only({**tags, **_only(bound, ("request_id", "school"))}, _TAGS)
    contexts = event.get("contexts") or {}
    clean["contexts"] = {
        "runtime": _only(contexts.get("runtime"), _RUNTIME),
        "trace": _only(contexts.get("trace"), _TRACE),
    }
    return clean


def start(dsn: str, *, environment: str, release: str, transport: Any = None) -> None:
    """Begin to report errors to `dsn`."""
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release or None,
        before_send=scrub,
        before_send_transaction=lambda event, hint: None,
        before_breadcrumb=lambda crumb, hint: None,
        max_breadcrumbs=0,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        server_name="",
        traces_sample_rate=0.0,
        transport=transport,
    )
