"""Filters of the reader. All optional; what is not known is left out by the queries."""

from __future__ import annotations

from typing import Any

from django import forms

from standards_library import queries
from standards_library.choices import DocumentKind, ServiceLine, Tier, ValueOrigin, Verification
from standards_library.domains import DOMAINS

ANY = ("", "全部")


def _choices(rows: Any) -> list[tuple[str, str]]:
    return [ANY, *rows]


LINES = [*ServiceLine.choices, ("general", "各条线通用")]


class RequirementFilter(forms.Form):
    """Search first; the rest unfolds."""

    search = forms.CharField(label="搜索", required=False, max_length=60)
    line = forms.ChoiceField(label="服务条线", required=False, choices=_choices(LINES))
    domain = forms.ChoiceField(
        label="领域", required=False, choices=_choices((d.key, d.name) for d in DOMAINS.values())
    )
    kind = forms.ChoiceField(label="文件类别", required=False, choices=_choices(DocumentKind.choices))
    origin = forms.ChoiceField(label="数值来源", required=False, choices=_choices(ValueOrigin.choices))
    verification = forms.ChoiceField(label="核对程度", required=False, choices=_choices(Verification.choices))
    tier = forms.ChoiceField(label="层级", required=False, choices=_choices(Tier.choices))
    veto = forms.ChoiceField(label="一票否决", required=False, choices=_choices([("yes", "是"), ("no", "否")]))
    edition = forms.ChoiceField(label="版次", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["search"].widget.attrs.update(placeholder="条文、文号、关键词或拼音首字母", type="search")
        keys = [(e.key, f"{e.key} 版") for e in queries.editions()]
        field = self.fields["edition"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "现行版"), *keys]

    def chosen(self) -> dict[str, Any]:
        """Arguments for `queries.requirements`; unknown values of a hand-written address are dropped."""
        if not self.is_bound:
            return {}
        self.is_valid()
        found = {name: value for name, value in self.cleaned_data.items() if value}
        if "veto" in found:
            found["veto"] = found["veto"] == "yes"
        return found


class DocumentFilter(forms.Form):
    search = forms.CharField(label="搜索", required=False, max_length=60)
    kind = forms.ChoiceField(label="类别", required=False, choices=_choices(DocumentKind.choices))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["search"].widget.attrs.update(placeholder="名称、文号、发布机关", type="search")

    def chosen(self) -> dict[str, str]:
        if not self.is_bound:
            return {}
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class GapFilter(forms.Form):
    search = forms.CharField(label="搜索", required=False, max_length=60)
    line = forms.ChoiceField(label="服务条线", required=False, choices=[("", "本校各条线"), *ServiceLine.choices])
    tier = forms.ChoiceField(label="层级", required=False, choices=_choices(Tier.choices))
    kind = forms.ChoiceField(label="文件类别", required=False, choices=_choices(DocumentKind.choices))

    def chosen(self) -> dict[str, str]:
        if not self.is_bound:
            return {}
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
