"""Structured logs: one line per event with request id and school; JSON in production, readable otherwise.

Logs stay in the house, yet one-time links, keys, mail addresses, phone and ID numbers have no business
in them: every text is masked on its way out.
"""

import re
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse

_MASKS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"cielm_[\w-]+"), "cielm_***"),
    (re.compile(r"(/accounts/invitation/)[^/\s?'\"]+"), r"\1***"),
    (re.compile(r"(/apply/)(?!resume/)[^/\s?'\"]+"), r"\1***"),  # the applicant's signed link
    (re.compile(r"(/password/reset/key/)[^/\s?'\"]+"), r"\1***"),
    (re.compile(r"(\b(?:ticket|token|key|code|state|password|signature)=)[^&\s'\"]+", re.IGNORECASE), r"\1***"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "***@***"),
    (re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), "******************"),
    (re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), "***********"),
]


def masked(text: str) -> str:
    """`text` without one-time secrets, mail addresses, mobile and ID-card numbers."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text


def mask(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Processor: mask every text of the event, nested ones too."""
    return {key: _masked_value(value) for key, value in event.items()}


def _masked_value(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: _masked_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked_value(each) for each in value]
    return value


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_config(*, as_json: bool, level: str) -> dict[str, Any]:
    """Django's LOGGING: the library's records and ours through one formatter."""
    last: list[Any] = (
        [structlog.processors.JSONRenderer(ensure_ascii=False)]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    before = [structlog.processors.format_exc_info] if as_json else []
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "one": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *before,
                    mask,
                    *last,
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "one"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
        },
    }


def configure_structlog() -> None:
    """Send structlog's own events through the standard library's handlers."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            *_SHARED[1:],
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def bind_school(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware behind django-structlog's: every line of the request says which school it was for."""

    def middleware(request: HttpRequest) -> HttpResponse:
        school = getattr(request, "school", None)
        structlog.contextvars.bind_contextvars(school=school.slug if school else "public")
        return get_response(request)

    return middleware
