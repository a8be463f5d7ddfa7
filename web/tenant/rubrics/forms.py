"""Shape of a sheet as posted: a head, and sections and items under tokens that say their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict

from standards_library.choices import ServiceLine
from tenants.rubrics.balance import plain
from tenants.rubrics.choices import Period, RubricStatus
from tenants.rubrics.contracts import GradeContract, ItemContract, RubricContract
from tenants.rubrics.drafts import ItemDraft, SectionDraft, SheetDraft

MOST_SECTIONS, MOST_ITEMS = 30, 60


class RubricFilter(forms.Form):
    search = forms.CharField(label="名称", required=False, max_length=60)
    status = forms.ChoiceField(label="状态", required=False, choices=[("", "全部"), *RubricStatus.choices])
    line = forms.ChoiceField(label="服务条线", required=False, choices=[("", "全部"), *ServiceLine.choices])

    def chosen(self) -> dict[str, str]:
        if not self.is_bound:
            return {}
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class Points(forms.DecimalField):
    """Points with at most two decimals; the rules about sums are the domain's."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.NumberInput(attrs={"step": "0.01", "min": "0", "inputmode": "decimal"})
        super().__init__(max_digits=7, decimal_places=2, widget=widget, **kwargs)


class HeadForm(forms.Form):
    title = forms.CharField(label="名称", max_length=120)
    period = forms.ChoiceField(label="周期", choices=Period.choices)
    lines = forms.MultipleChoiceField(
        label="适用条线", required=False, choices=ServiceLine.choices, widget=forms.CheckboxSelectMultiple,
        help_text="不选表示各条线都可用。",
    )  # fmt: skip
    grades = forms.CharField(
        label="等级", widget=forms.Textarea(attrs={"rows": 4}), max_length=400,
        help_text="一行一个，从高到低，写“名称 起点分”，如：优秀 90。最低一级从 0 分开始。",
    )  # fmt: skip
    veto_cap = Points(label="一票否决后最高分")
    payment_note = forms.CharField(label="付款建议", required=False, max_length=300)
    digest = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)

    def clean_grades(self) -> tuple[GradeContract, ...]:
        made = []
        for line in str(self.cleaned_data["grades"]).splitlines():
            if not line.strip():
                continue
            name, _, least = line.strip().rpartition(" ")
            try:
                made.append(GradeContract(name.strip(), Decimal(least.strip())))
            except ArithmeticError as wrong:
                raise forms.ValidationError(f"“{line.strip()}”应写作“名称 起点分”，如：优秀 90。") from wrong
        if any(not g.min.is_finite() for g in made):
            raise forms.ValidationError("起点分应是数字。")
        return tuple(made)


class SectionForm(forms.Form):
    id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    title = forms.CharField(label="维度名称", max_length=60)
    weight = Points(label="维度分值")


class ItemForm(forms.Form):
    id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    text = forms.CharField(label="检查内容", max_length=300)
    method = forms.CharField(label="检查方法", max_length=300, required=False)
    points = Points(label="分值")
    per_fault = Points(label="每次扣分")
    fault_unit = forms.CharField(label="扣分单位", max_length=10)
    veto = forms.BooleanField(label="一票否决", required=False)
    basis = forms.CharField(label="其他依据（合同条款、校内制度）", max_length=300, required=False)
    requirement_keys = forms.CharField(required=False, widget=forms.HiddenInput, max_length=2000)

    def cited(self) -> tuple[str, ...]:
        """Cited requirements, once each, in order."""
        raw = self["requirement_keys"].value() or ""
        return tuple(dict.fromkeys(k for k in str(raw).split(",") if k))


@dataclass
class ItemPart:
    token: str
    form: ItemForm
    origin: ItemContract | None = None


@dataclass
class SectionPart:
    token: str
    form: SectionForm
    items: list[ItemPart] = field(default_factory=list)


@dataclass
class SheetForm:
    """The editor's state: bound to what was posted, or started from a rubric."""

    head: HeadForm
    sections: list[SectionPart]
    bound: bool = False

    @classmethod
    def start(cls, kept: RubricContract) -> SheetForm:
        head = HeadForm(
            initial={
                "title": kept.title,
                "period": kept.period,
                "lines": kept.lines,
                "grades": "\n".join(f"{g.name} {plain(g.min)}" for g in kept.grades),
                "veto_cap": plain(kept.veto_cap),
                "payment_note": kept.payment_note,
                "digest": kept.digest,
            }
        )
        sections = []
        for n, s in enumerate(kept.sections):
            token = f"s{n}"
            form = SectionForm(
                prefix=token, initial={"id": s.id, "title": s.title, "weight": plain(s.weight)}, auto_id="%s"
            )
            items = [ItemPart(f"{token}i{k}", _item_form(f"{token}i{k}", i), i) for k, i in enumerate(s.items)]
            sections.append(SectionPart(token, form, items))
        return cls(head, sections)

    @classmethod
    def blank(cls) -> SheetForm:
        head = HeadForm(
            initial={"period": Period.MONTHLY, "grades": "优秀 90\n良好 80\n合格 60\n不合格 0", "veto_cap": "59.99"}
        )
        section = SectionForm(prefix="s0", initial={"weight": "100"}, auto_id="%s")
        item = ItemForm(prefix="s0i0", initial={"points": "100", "per_fault": "1", "fault_unit": "处"}, auto_id="%s")
        return cls(head, [SectionPart("s0", section, [ItemPart("s0i0", item)])])

    @classmethod
    def posted(cls, data: QueryDict, known: Mapping[UUID, ItemContract]) -> SheetForm:
        sections = []
        for token in _tokens(data.getlist("section"), MOST_SECTIONS):
            items = []
            for t in _tokens(data.getlist(f"{token}-item"), MOST_ITEMS):
                form = ItemForm(data, prefix=t, auto_id="%s")
                form.is_valid()
                items.append(ItemPart(t, form, known.get(form.cleaned_data.get("id") or UUID(int=0))))
            sections.append(SectionPart(token, SectionForm(data, prefix=token, auto_id="%s"), items))
        return cls(HeadForm(data), sections, bound=True)

    def is_valid(self) -> bool:
        forms_ = [self.head, *(s.form for s in self.sections), *(i.form for s in self.sections for i in s.items)]
        valid = [form.is_valid() for form in forms_]  # all of them, so that every mistake is shown
        return all(valid)

    def draft(self) -> SheetDraft:
        """What the person wants the sheet to say. Call after `is_valid()`."""
        head = self.head.cleaned_data
        return SheetDraft(
            title=head["title"],
            period=head["period"],
            lines=tuple(head["lines"]),
            grades=head["grades"],
            veto_cap=head["veto_cap"],
            payment_note=head["payment_note"],
            sections=tuple(
                SectionDraft(
                    id=s.form.cleaned_data["id"],
                    title=s.form.cleaned_data["title"],
                    weight=s.form.cleaned_data["weight"],
                    items=tuple(_item_draft(i) for i in s.items),
                )
                for s in self.sections
            ),
        )

    def blame(self, path: str | None, sentence: str) -> bool:
        """Put a refusal of the domain at the input it names (sections.0.items.2.points); False if it names none."""
        parts = (path or "").split(".")
        form: forms.Form = self.head
        name = parts[0]
        if parts[0] == "sections" and len(parts) == 3:
            form, name = self.sections[int(parts[1])].form, parts[2]
        elif parts[0] == "sections" and len(parts) == 5:
            form, name = self.sections[int(parts[1])].items[int(parts[3])].form, parts[4]
        if name not in form.fields:
            return False
        form.add_error(name, sentence)
        return True

    def cited(self) -> Iterable[tuple[str, str]]:
        """(requirement key, edition) of all items."""
        for s in self.sections:
            for i in s.items:
                for key in i.form.cited():
                    yield key, i.origin.edition if i.origin else ""
                    yield key, ""


def _tokens(raw: list[str], most: int) -> list[str]:
    return [t for t in dict.fromkeys(raw) if t.isalnum() and len(t) <= 24][:most]


def _item_form(token: str, kept: ItemContract) -> ItemForm:
    return ItemForm(
        prefix=token,
        auto_id="%s",
        initial={
            "id": kept.id,
            "text": kept.text,
            "method": kept.method,
            "points": plain(kept.points),
            "per_fault": plain(kept.per_fault),
            "fault_unit": kept.fault_unit,
            "veto": kept.veto,
            "basis": kept.basis,
            "requirement_keys": ",".join(kept.requirement_keys),
        },
    )


def _item_draft(part: ItemPart) -> ItemDraft:
    data = part.form.cleaned_data
    return ItemDraft(
        id=data["id"],
        text=data["text"],
        points=data["points"],
        per_fault=data["per_fault"],
        fault_unit=data["fault_unit"],
        method=data["method"],
        veto=data["veto"],
        requirement_keys=part.form.cited(),
        basis=data["basis"],
        good_photo_id=part.origin.good_photo_id if part.origin else None,
        bad_photo_id=part.origin.bad_photo_id if part.origin else None,
    )


class PhotoForm(forms.Form):
    """Pictures of what passes and what fails; leaving one empty keeps it, ticking the box takes it away."""

    good = forms.FileField(label="合格示例", required=False)
    drop_good = forms.BooleanField(label="去掉现有的合格示例", required=False)
    bad = forms.FileField(label="不合格示例", required=False)
    drop_bad = forms.BooleanField(label="去掉现有的不合格示例", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("good", "bad"):
            self.fields[name].widget.attrs["accept"] = "image/*"
