"""Forms of duty: shape only; rules are in the operations."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from uuid import UUID

from django import forms

from identity.contracts import Actor
from kernel.errors import NotAllowed
from standards_library.choices import ServiceLine
from tenants.duty import queries as duty
from tenants.duty.choices import REPORTABLE, AnomalyKind, AnomalyStatus, CallKind, EntryKind, Outcome, Rung
from tenants.duty.models import DutyPost
from tenants.findings.choices import Severity
from tenants.organisation import queries as organisation
from web.shared.filters import given

ANY = [("", "全部")]
SPAN = re.compile(r"^(\d{1,2}):(\d{2})\s*[-—–至]\s*(\d{1,2}):(\d{2})$")


def campus_choices(by: Actor) -> list[tuple[str, str]]:
    """The campuses, for those who may see places."""
    return [("", "全部校区"), *((str(p.pk), p.name) for p in organisation.child_places(by=by, parent_id=None))]


def post_choices(by: Actor) -> list[tuple[str, str]]:
    """The duty posts one may see."""
    rows = duty.visible_posts(by).distinct().order_by("post__name")
    return [("", "全部岗位"), *((str(row.pk), row.post.name) for row in rows)]


class CockpitFilter(forms.Form):
    """Campus and line of the cockpit."""

    campus = forms.ChoiceField(label="校区", required=False)
    line = forms.ChoiceField(label="条线", required=False, choices=[("", "全部条线"), *ServiceLine.choices])

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["campus"].choices = campus_choices(by)  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        data = given(self)
        return {"campus_id": UUID(data["campus"]) if data["campus"] else None, "line": data["line"]}


class PostPeriod(forms.Form):
    """Base of the filter bars of duty: the post, the campus for whoever sees places, and a period."""

    post = forms.ChoiceField(label="岗位", required=False)
    place = forms.ChoiceField(label="校区", required=False)
    from_day = forms.DateField(label="日期从", required=False, widget=forms.DateInput({"type": "date"}))
    until_day = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["post"].choices = post_choices(by)  # type: ignore[attr-defined]
        try:
            self.fields["place"].choices = campus_choices(by)  # type: ignore[attr-defined]
        except NotAllowed:
            del self.fields["place"]

    def chosen(self) -> dict[str, Any]:
        data = given(self)
        post, place = data.pop("post"), data.pop("place", "")
        return {**data, "post_id": UUID(post) if post else None, "place_id": UUID(place) if place else None}


class CallFilter(PostPeriod):
    """The filter bar of the calls."""

    field_order = ("text", "outcome", "post", "place", "kind", "line", "off_post", "night", "from_day", "until_day")

    text = forms.CharField(label="关键词", required=False, widget=forms.TextInput({"placeholder": "岗位、地点、姓名"}))
    outcome = forms.ChoiceField(label="结果", required=False, choices=[*ANY, *[c for c in Outcome.choices if c[0]]])
    kind = forms.ChoiceField(label="方式", required=False, choices=[*ANY, *CallKind.choices])
    line = forms.ChoiceField(label="条线", required=False, choices=[*ANY, *ServiceLine.choices])
    off_post = forms.ChoiceField(label="脱岗", required=False, choices=[*ANY, ("1", "只看脱岗")])
    unreached = forms.ChoiceField(label="送达", required=False, choices=[*ANY, ("1", "未送达，待认定")])
    night = forms.ChoiceField(label="时段", required=False, choices=[*ANY, ("1", "夜间"), ("0", "白天")])

    def chosen(self) -> dict[str, Any]:
        data = super().chosen()
        night = data["night"]
        return {
            **data,
            "off_post": True if data["off_post"] else None,
            "unreached": bool(data["unreached"]),
            "night": None if not night else night == "1",
        }


class AnomalyFilter(PostPeriod):
    """The filter bar of the anomalies."""

    field_order = ("text", "status", "post", "kind", "severity", "place", "from_day", "until_day")

    text = forms.CharField(label="关键词", required=False, widget=forms.TextInput({"placeholder": "编号、内容、岗位"}))
    status = forms.ChoiceField(label="状态", required=False, choices=[*ANY, *AnomalyStatus.choices])
    kind = forms.ChoiceField(label="类别", required=False, choices=[*ANY, *AnomalyKind.choices])
    severity = forms.ChoiceField(label="严重程度", required=False, choices=[*ANY, *Severity.choices])


class AnomalyForm(forms.Form):
    """登记异常 in the office. `people`: who is on duty, with their post."""

    post = forms.ChoiceField(label="岗位")
    kind = forms.ChoiceField(label="类别", choices=[(k.value, k.label) for k in REPORTABLE], widget=forms.RadioSelect)
    severity = forms.ChoiceField(label="严重程度", choices=Severity.choices, initial=Severity.MINOR)
    text = forms.CharField(label="发生了什么", max_length=500, widget=forms.Textarea({"rows": 3}))
    owner = forms.ChoiceField(
        label="由谁负责", required=False, help_text="只能选正在所选岗位上岗的人；不选就交上级处理。"
    )

    def __init__(self, *args: Any, by: Actor, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        posts = post_choices(by)[1:]
        self.has_posts = bool(posts)
        self.fields["post"].choices = [("", "请选择"), *posts]  # type: ignore[attr-defined]
        self.fields["owner"].choices = [("", "上级"), *people]  # type: ignore[attr-defined]


class HandoverFilter(PostPeriod):
    """The filter bar of the handovers."""

    field_order = ("text", "open", "post", "place", "from_day", "until_day")
    text = forms.CharField(label="关键词", required=False, widget=forms.TextInput({"placeholder": "姓名、岗位、编号"}))
    open = forms.ChoiceField(label="状态", required=False, choices=[*ANY, ("1", "未完成")])

    def chosen(self) -> dict[str, Any]:
        data = super().chosen()
        only = bool(data.pop("open"))
        return {**data, "open_only": only}


class LogFilter(forms.Form):
    """The filter bar of a post's log."""

    text = forms.CharField(label="关键词", required=False, widget=forms.TextInput({"placeholder": "内容、记录人"}))
    kind = forms.ChoiceField(label="类别", required=False, choices=[*ANY, *EntryKind.choices])
    from_day = forms.DateField(label="日期从", required=False, widget=forms.DateInput({"type": "date"}))
    until_day = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))

    def chosen(self) -> dict[str, Any]:
        return given(self)


class GapFilter(forms.Form):
    """The filter bar of the gaps: one day."""

    day = forms.DateField(label="日期", required=False, widget=forms.DateInput({"type": "date"}))
    post = forms.ChoiceField(label="岗位", required=False)
    line = forms.ChoiceField(label="条线", required=False, choices=[("", "全部条线"), *ServiceLine.choices])

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["post"].choices = post_choices(by)  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        data = given(self)
        post = data.pop("post")
        return {**data, "post_id": UUID(post) if post else None}


class PostMinutesFilter(forms.Form):
    """The filter bar of the minutes by post: a stretch of days."""

    from_day = forms.DateField(label="日期从", required=False, widget=forms.DateInput({"type": "date"}))
    until_day = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))
    post = forms.ChoiceField(label="岗位", required=False)
    line = forms.ChoiceField(label="条线", required=False, choices=[("", "全部条线"), *ServiceLine.choices])

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["post"].choices = post_choices(by)  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        data = given(self)
        post = data.pop("post")
        return {**data, "post_id": UUID(post) if post else None}


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _minute(text: str) -> int:
    hours, minutes = (int(part) for part in text.strip().split(":"))
    if not (0 <= minutes < 60 and 0 <= hours * 60 + minutes <= 1440):
        raise ValueError(text)
    return hours * 60 + minutes


class PostForm(forms.Form):
    """The rules of one duty post."""

    active = forms.BooleanField(label="作为值班岗启用", required=False)
    answer_minutes = forms.IntegerField(label="应答时限（分钟）", min_value=1, max_value=60)
    persons_to_answer = forms.IntegerField(
        label="须应答人数", min_value=1, max_value=2, help_text="双人岗填 2：两人都应答才算在岗"
    )
    asks_photo = forms.BooleanField(label="拍现场照片，并做当时提示的动作", required=False)
    asks_code = forms.BooleanField(label="扫岗位上的二维码", required=False)
    asks_face = forms.BooleanField(label="人脸核验（仅对本人同意的员工）", required=False)
    calls_per_day = forms.IntegerField(
        label="每日随机查岗次数（平均）",
        min_value=0,
        max_value=12,
        help_text="次数和时间都随机产生，有的日子多、有的日子少，岗位上的人算不出还剩几次；0 为不随机查岗",
    )
    quiet = forms.CharField(
        label="不随机查岗的时段", required=False, help_text="例如 12:00-13:00，多个时段用逗号分开；跨零点写 22:00-06:00"
    )
    night_from = forms.CharField(label="夜间开始", help_text="夜间查岗才能认定睡岗")
    night_until = forms.CharField(label="夜间结束")
    off_post_after = forms.IntegerField(label="连续几次未应答算脱岗", min_value=1, max_value=10)
    break_minutes = forms.IntegerField(label="每次短时离开最长（分钟）", min_value=1, max_value=120)
    break_cap_minutes = forms.IntegerField(label="每班短时离开累计上限（分钟）", min_value=1, max_value=480)
    gap_minutes = forms.IntegerField(
        label="低于最低人数多久告警（分钟）",
        required=False,
        min_value=0,
        max_value=240,
        help_text="按合同在岗要求；0 为不告警",
    )
    gap_finding_minutes = forms.IntegerField(
        label="低于最低人数多久转问题整改（分钟）",
        required=False,
        min_value=0,
        max_value=1440,
        help_text="先告警，超过这个时间自动开出问题；0 为不转",
    )
    manager_after = forms.IntegerField(
        label="未应答后多少分钟通知物业负责人", required=False, min_value=0, max_value=1440, help_text="留空为不通知"
    )
    supervisor_after = forms.IntegerField(
        label="多少分钟通知监管人员", required=False, min_value=0, max_value=1440, help_text="留空为不通知"
    )
    leader_after = forms.IntegerField(
        label="多少分钟通知分管领导", required=False, min_value=0, max_value=1440, help_text="留空为不通知"
    )

    PARTS: ClassVar[tuple[tuple[str, tuple[str, ...]], ...]] = (
        ("应答", ("answer_minutes", "persons_to_answer", "asks_photo", "asks_code", "asks_face")),
        ("随机查岗", ("calls_per_day", "quiet")),
        ("夜间与脱岗", ("night_from", "night_until", "off_post_after")),
        ("短时离开", ("break_minutes", "break_cap_minutes")),
        ("在岗人数不足", ("gap_minutes", "gap_finding_minutes")),
        ("没有应答时通知谁", ("manager_after", "supervisor_after", "leader_after")),
    )

    def parts(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings; `active` stands before them."""
        return [(title, [self[name] for name in names]) for title, names in self.PARTS]

    @staticmethod
    def initial_of(row: DutyPost) -> dict[str, Any]:
        """What stands in the form for a row."""
        chain = {str(rung): after for after, rung in row.chain}
        same = (
            "active", "answer_minutes", "persons_to_answer", "asks_photo", "asks_code", "asks_face", "calls_per_day",
            "off_post_after", "break_minutes", "break_cap_minutes", "gap_minutes",
            "gap_finding_minutes",
        )  # fmt: skip
        return {
            **{name: getattr(row, name) for name in same},
            "quiet": "，".join(f"{_clock(a)}-{_clock(b)}" for a, b in row.quiet),
            "night_from": _clock(row.night_from),
            "night_until": _clock(row.night_until),
            "manager_after": chain.get(Rung.MANAGER),
            "supervisor_after": chain.get(Rung.SUPERVISOR),
            "leader_after": chain.get(Rung.LEADER),
        }

    def _time(self, name: str) -> int:
        try:
            return _minute(self.cleaned_data[name])
        except ValueError as wrong:
            raise forms.ValidationError("请按“23:00”填写。") from wrong

    def clean_night_from(self) -> int:
        return self._time("night_from")

    def clean_night_until(self) -> int:
        return self._time("night_until")

    def clean_quiet(self) -> list[list[int]]:
        spans = []
        for part in re.split(r"[,，;；、\s]+(?=\d)", self.cleaned_data["quiet"].strip()):
            if not part:
                continue
            found = SPAN.match(part.strip(" ,，;；、"))
            try:
                if found is None:
                    raise ValueError(part)
                spans.append([_minute(":".join(found.groups()[:2])), _minute(":".join(found.groups()[2:]))])
            except ValueError as wrong:
                raise forms.ValidationError("请按“12:00-13:00”填写，多个时段用逗号分开。") from wrong
        return spans

    def chosen(self) -> dict[str, Any]:
        """What `operations.configure_post` takes."""
        data = {k: v for k, v in self.cleaned_data.items() if not k.startswith("gap_") or v is not None}
        steps = ((data.pop(f"{rung.value}_after"), rung.value) for rung in Rung)
        return {**data, "chain": [[after, rung] for after, rung in steps if after is not None]}
