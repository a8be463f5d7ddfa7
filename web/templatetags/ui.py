"""Tags and filters of the interface: statuses, dates, numbers, masked data, form widgets."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from django import template
from django.core.paginator import Page
from django.forms import BaseForm, BoundField, CheckboxInput, CheckboxSelectMultiple, FileInput, RadioSelect, Select
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from web.shared.filters import not_understood
from web.shared.pages import PAGE_SIZES

register = template.Library()

UNKNOWN: Final = "—"
TONES: Final = frozenset({"ok", "info", "warn", "bad", "muted"})
Number = int | float | Decimal


@register.simple_tag
def status(code: str, label: str, tone: str | Mapping[str, str] = "muted") -> SafeString:
    """Say a status as dot and word. `tone` is one of TONES, or a table from code to tone."""
    chosen = tone.get(code, "muted") if isinstance(tone, Mapping) else tone
    chosen = chosen if chosen in TONES else "muted"
    return format_html('<span class="st st-{}" data-code="{}"><i></i>{}</span>', chosen, code, label)


# Dates -------------------------------------------------------------------------------------------


def _local(value: date | datetime) -> date | datetime:
    return timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value


@register.filter
def cn_date(value: date | datetime | None) -> str:
    """2026年11月22日, in the current time zone."""
    if not value:
        return UNKNOWN
    day = _local(value)
    return f"{day.year}年{day.month}月{day.day}日"


@register.filter
def cn_time(value: datetime | None) -> str:
    """09:05, in the current time zone."""
    return f"{_local(value):%H:%M}" if value else UNKNOWN


@register.filter
def cn_datetime(value: datetime | None) -> str:
    """2026年11月22日 09:05; without the year when it is this year's."""
    if not value:
        return UNKNOWN
    at = _local(value)
    year = "" if at.year == timezone.localdate().year else f"{at.year}年"
    return f"{year}{at.month}月{at.day}日 {at:%H:%M}"


@register.filter
def cn_when(value: datetime | None) -> str:
    """09:05 today, 昨天 22:10, else as cn_datetime: where a page of now shows what may be older."""
    if not value:
        return UNKNOWN
    at, today = timezone.localtime(value), timezone.localdate()
    if at.date() == today:
        return f"{at:%H:%M}"
    return f"昨天 {at:%H:%M}" if (today - at.date()).days == 1 else cn_datetime(value)


@register.filter
def cn_seconds(value: float | None) -> str:
    """59 秒, 14 分, 14 分 5 秒."""
    if value is None:
        return UNKNOWN
    whole, rest = divmod(round(value), 60)
    return "".join(
        [f"{whole} 分" if whole else "", f" {rest} 秒" if rest and whole else f"{rest} 秒" if not whole else ""]
    )


@register.filter
def cn_weekday(value: date | None) -> str:
    """周一 to 周日."""
    return "周" + "一二三四五六日"[value.weekday()] if value else UNKNOWN


@register.filter
def ago(value: datetime | None) -> str:
    """刚刚, 5分钟前, 3小时前, 2天前; older ones as a date."""
    if not value:
        return UNKNOWN
    minutes = int((timezone.now() - value).total_seconds() // 60)
    if minutes < 0:
        return cn_datetime(value)
    if minutes < 1:
        return "刚刚"
    if minutes < 60:
        return f"{minutes}分钟前"
    if minutes < 24 * 60:
        return f"{minutes // 60}小时前"
    if minutes < 7 * 24 * 60:
        return f"{minutes // (24 * 60)}天前"
    return cn_date(value)


# Numbers -----------------------------------------------------------------------------------------


def _rounded(value: Number | str | None, places: str) -> Decimal | None:
    try:
        return None if value is None or value == "" else Decimal(str(value)).quantize(Decimal(places), ROUND_HALF_UP)
    except InvalidOperation:
        return None


@register.filter
def decimal1(value: Number | str | None) -> str:
    """1,234.5."""
    number = _rounded(value, "0.1")
    return UNKNOWN if number is None else f"{number:,}"


@register.filter
def decimal2(value: Number | str | None) -> str:
    """1,234.50, rounded half up as on paper."""
    number = _rounded(value, "0.01")
    return UNKNOWN if number is None else f"{number:,}"


@register.filter
def percent(value: Number | str | None) -> str:
    """0.873 becomes 87.3%; nothing becomes 不知道, never 0%."""
    number = _rounded(None if value is None or value == "" else Decimal(str(value)) * 100, "0.1")
    return "不知道" if number is None else f"{number}%"


@register.filter
def dash(value: object) -> object:
    """An empty value as a dash, and zero as zero."""
    return UNKNOWN if value is None or value == "" else value


# Masks -------------------------------------------------------------------------------------------


@register.filter
def mask(value: str | None) -> str:
    """A phone or ID number with its middle hidden: 138****1234, 4201**********1234."""
    text = str(value or "")
    if not text:
        return UNKNOWN
    head, tail = (3, 4) if len(text) <= 11 else (4, 4)
    if len(text) <= head + tail:
        return text[:1] + "*" * (len(text) - 1)
    return text[:head] + "*" * (len(text) - head - tail) + text[-tail:]


@register.filter
def mask_name(value: str | None) -> str:
    """王秀兰 becomes 王**."""
    text = str(value or "")
    return text[:1] + "*" * (len(text) - 1) if text else UNKNOWN


# Lists -------------------------------------------------------------------------------------------


def _address(request: HttpRequest, **changes: str | None) -> str:
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


@register.simple_tag(takes_context=True)
def address(context: template.Context, **changes: Any) -> str:
    """Return this page's address with some parameters changed; None removes one. Filters stay."""
    return _address(context["request"], **{k: None if v is None else str(v) for k, v in changes.items()})


@register.simple_tag
def page_numbers(page_obj: Page[Any]) -> list[int | str]:
    """Page numbers around the current one, with an ellipsis where some are left out."""
    return list(page_obj.paginator.get_elided_page_range(page_obj.number, on_each_side=1, on_ends=1))


@register.simple_tag
def page_sizes() -> tuple[int, ...]:
    """Page sizes a reader may choose."""
    return PAGE_SIZES


@register.filter
def nth(values: Sequence[Any], index: int) -> Any:
    """The value at an index, or nothing."""
    return values[index] if index < len(values) else None


@register.inclusion_tag("components/sort_link.html", takes_context=True)
def sort_link(context: template.Context, name: str, label: str) -> dict[str, Any]:
    """Make a table head that sorts: `?sort=name`, then `?sort=-name`."""
    request: HttpRequest = context["request"]
    now = request.GET.get("sort", "")
    direction = "up" if now == name else "down" if now == f"-{name}" else ""
    target = f"-{name}" if now == name else name
    return {
        "label": label,
        "direction": direction,
        "url": _address(request, sort=target, page=None),
        "target": context.get("rows_id", "rows"),
    }


# Forms -------------------------------------------------------------------------------------------


@register.simple_tag
def widget(field: BoundField) -> SafeString:
    """Render a field's control with our classes and with its help and error tied to it."""
    control = field.field.widget
    attrs: dict[str, Any] = {}
    if isinstance(control, CheckboxSelectMultiple | RadioSelect):
        css = "group"  # Django puts it on the box around the choices
    elif isinstance(control, CheckboxInput):
        css = "form-check-input"
    elif isinstance(control, Select):
        css = "form-select"
    else:
        css = "form-control"
    if field.errors:
        attrs["aria-invalid"] = "true"
        css += " is-invalid"
    said = [f"{field.auto_id}_help"] if field.help_text else []
    said += [f"{field.auto_id}_errors"] if field.errors else []
    if said and not field.use_fieldset:
        attrs["aria-describedby"] = " ".join(said)
    attrs["class"] = f"{css} {control.attrs.get('class', '')}".strip()
    return field.as_widget(attrs=attrs)


@register.filter
def is_check(field: BoundField) -> bool:
    """Say whether the field is a single tick box, whose label stands behind it."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def has_file(form: BaseForm) -> bool:
    """Say whether the form needs multipart/form-data."""
    return any(isinstance(field.widget, FileInput) for field in form.fields.values())


register.filter("not_understood", not_understood)


@register.simple_tag
def filter_parts(form: BaseForm, shown: int = 4) -> dict[str, Any]:
    """Split a filter form into fields always shown and fields under 展开; open when one of those is in use."""
    fields = [field for field in form if not field.is_hidden]
    more = fields[shown:]
    return {"hidden": form.hidden_fields(), "first": fields[:shown], "more": more, "open": any(f.value() for f in more)}
