"""Reading a data file of the library: everything is checked, every error is told with its path.

The file is a JSON object {meta, documents, superseded, requirements, rubrics}; `standards_library/data/2026.json`
is the example. Nothing here touches the database.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import TextChoices

from standards_library.choices import (
    ConfirmedBasis,
    DocumentKind,
    ItemKind,
    MeasureType,
    Op,
    Tier,
    ValueOrigin,
    Verification,
)
from standards_library.domains import DOMAINS, KEY_OF_NAME
from standards_library.search import search_text

PERIODS = {"月度": "monthly", "季度": "quarterly", "学期": "term", "年度": "yearly", "专项": "special"}
TOTAL = Decimal(100)
CENT = Decimal("0.01")
_CAP = re.compile(r"不高于(\d+(?:\.\d{1,2})?)分")
_BLANK_AND_BRACKET = re.compile(r"[\s《》()\uff08\uff09]")
_VERSION = re.compile(r"[(\uff08].*?[)\uff09]")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One error: where in the file, and what is wrong."""

    path: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}：{self.sentence}"


@dataclass(slots=True)
class Content:
    """A checked file as rows: {key: values} per table, in the file's order."""

    edition: str = ""
    title: str = ""
    as_of: date = date.min
    notes: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    supersessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    requirements: dict[str, dict[str, Any]] = field(default_factory=dict)
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    dimensions: dict[str, dict[str, Any]] = field(default_factory=dict)  # values["template"]: its key
    items: dict[str, dict[str, Any]] = field(default_factory=dict)  # values["dimension"]: its key


class Rejected(ValueError):
    """The file has errors; nothing may be written."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


def read(text: str) -> Content:
    """Check a file's text and return its rows. Raises Rejected with every problem found."""
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in pairs:
            if name in made:
                twice.append(name)
            made[name] = value
        return made

    try:
        raw = json.loads(text, parse_float=Decimal, object_pairs_hook=once)
    except json.JSONDecodeError as broken:
        raise Rejected([Problem(f"第 {broken.lineno} 行第 {broken.colno} 列", "不是合法的 JSON")]) from broken
    reader = _Reader()
    for name in twice:
        reader.wrong("", f"同一个对象里字段“{name}”出现了两次")
    if not isinstance(raw, dict):
        raise Rejected([Problem("", "文件的最外层应是一个对象")])
    reader.file(raw)
    if reader.problems:
        raise Rejected(reader.problems)
    canonical = json.dumps(raw, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    reader.content.digest = hashlib.sha256(canonical.encode()).hexdigest()
    return reader.content


def _squeezed(text: str) -> str:
    return _BLANK_AND_BRACKET.sub("", text)


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.content = Content()

    def wrong(self, path: str, sentence: str) -> None:
        self.problems.append(Problem(path or "文件", sentence))

    # --- shapes ---------------------------------------------------------------------------------

    def fields(self, raw: Any, path: str, known: str, optional: str = "") -> Mapping[str, Any] | None:
        """An object with exactly these fields, or None."""
        if not isinstance(raw, dict):
            self.wrong(path, "应是一个对象")
            return None
        names, more = set(known.split()), set(optional.split())
        for name in sorted(names - set(raw)):
            self.wrong(f"{path}.{name}".lstrip("."), "缺少这个字段")
        for name in sorted(set(raw) - names - more):
            self.wrong(f"{path}.{name}".lstrip("."), "未知的字段")
        return raw

    def rows(self, raw: Mapping[str, Any], name: str, path: str = "") -> list[Any]:
        value = raw.get(name)
        if not isinstance(value, list):
            if name in raw:
                self.wrong(f"{path}.{name}".lstrip("."), "应是一个列表")
            return []
        if not value:
            self.wrong(f"{path}.{name}".lstrip("."), "不能是空的")
        return value

    def text(self, raw: Mapping[str, Any], name: str, path: str, longest: int, *, empty: bool = False) -> str:
        value = raw.get(name)
        if value is None and empty:
            return ""
        if not isinstance(value, str):
            if name in raw:
                self.wrong(f"{path}.{name}", "应是文字")
            return ""
        if not value.strip() and not empty:
            self.wrong(f"{path}.{name}", "不能是空的")
        if len(value) > longest:
            self.wrong(f"{path}.{name}", f"最长 {longest} 个字，现在有 {len(value)} 个")
        return value.strip()

    def key(self, raw: Mapping[str, Any], name: str, path: str, taken: Mapping[str, Any]) -> str:
        value = self.text(raw, name, path, 80)
        if value and not _KEY.fullmatch(value):
            self.wrong(f"{path}.{name}", f"“{value}”只能由字母、数字、点、横线组成")
        if value in taken:
            self.wrong(f"{path}.{name}", f"“{value}”重复")
        return value

    def choice(
        self, raw: Mapping[str, Any], name: str, path: str, known: type[TextChoices], *, empty: bool = False
    ) -> str:
        value = raw.get(name)
        if value is None and empty:
            return ""
        if not isinstance(value, str) or value not in known.values:
            if name in raw:
                self.wrong(f"{path}.{name}", f"“{value}”不在允许的范围内（{'、'.join(known.values)}）")
            return ""
        return value

    def flag(self, raw: Mapping[str, Any], name: str, path: str) -> bool:
        value = raw.get(name)
        if not isinstance(value, bool):
            if name in raw:
                self.wrong(f"{path}.{name}", "应是 true 或 false")
            return False
        return value

    def number(
        self, raw: Mapping[str, Any], name: str, path: str, *, least: Decimal = CENT, most: Decimal = TOTAL
    ) -> Decimal:
        value = raw.get(name)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            if name in raw:
                self.wrong(f"{path}.{name}", "应是数字")
            return Decimal(0)
        number = Decimal(value)
        if not least <= number <= most:
            self.wrong(f"{path}.{name}", f"{number} 应在 {least} 与 {most} 之间")
        elif number != number.quantize(CENT):
            self.wrong(f"{path}.{name}", f"{number} 最多两位小数")
        return number

    def day(self, raw: Mapping[str, Any], name: str, path: str, *, empty: bool = True) -> date | None:
        value = raw.get(name)
        if value is None and empty:
            return None
        try:
            return date.fromisoformat(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            if name in raw:
                self.wrong(f"{path}.{name}", f"“{value}”不是日期，应写作 2026-11-22")
            return None

    # --- the file -------------------------------------------------------------------------------

    def file(self, raw: dict[str, Any]) -> None:
        if self.fields(raw, "", "meta documents superseded requirements rubrics") is None:
            return
        self.meta(raw.get("meta"))
        for n, row in enumerate(self.rows(raw, "documents")):
            self.document(row, f"documents[{n}]", n)
        for n, row in enumerate(self.rows(raw, "superseded")):
            self.supersession(row, f"superseded[{n}]", n)
        for n, row in enumerate(self.rows(raw, "requirements")):
            self.requirement(row, f"requirements[{n}]", n)
        self.counts(raw)
        for n, row in enumerate(self.rows(raw, "rubrics")):
            self.template(row, f"rubrics[{n}]", n)

    def meta(self, raw: Any) -> None:
        meta = self.fields(
            raw, "meta", "title language as_of measure_semantics value_origin kind_note tier_note", optional="edition"
        )
        if meta is None:
            return
        self.content.title = self.text(meta, "title", "meta", 120)
        self.content.as_of = self.day(meta, "as_of", "meta", empty=False) or date.min
        named = self.text(meta, "edition", "meta", 20, empty=True)
        if named and not re.fullmatch(r"\d{4}\.\d{2}(\.\d{1,2})?", named):
            self.wrong("meta.edition", f"“{named}”应写作 2026.11 或 2026.11.2")
        self.content.edition = named or f"{self.content.as_of:%Y.%m}"
        self.content.notes = {
            name: meta.get(name) for name in ("measure_semantics", "value_origin", "kind_note", "tier_note")
        }

    def document(self, raw: Any, path: str, n: int) -> None:
        row = self.fields(
            raw, path, "key document_code document_title issuer kind effective_date status note requirement_count"
        )
        if row is None:
            return
        key = self.key(row, "key", path, self.content.documents)
        code = self.text(row, "document_code", path, 120)
        title = self.text(row, "document_title", path, 200)
        issuer = self.text(row, "issuer", path, 120)
        self.content.documents[key] = {
            "code": code,
            "title": title,
            "issuer": issuer,
            "kind": self.choice(row, "kind", path, DocumentKind),
            "effective_on": self.day(row, "effective_date", path),
            "status": self.text(row, "status", path, 20),
            "note": self.text(row, "note", path, 400, empty=True),
            "position": n,
            "search": search_text(issuer, codes=(code, key), titles=(title,)),
        }

    def supersession(self, raw: Any, path: str, n: int) -> None:
        row = self.fields(raw, path, "old new effective_date verification")
        if row is None:
            return
        old, new = self.text(row, "old", path, 200), self.text(row, "new", path, 200)
        if old in self.content.supersessions:
            self.wrong(f"{path}.old", f"“{old}”重复")
        self.content.supersessions[old] = {
            "new": new,
            "effective_on": self.day(row, "effective_date", path),
            "verification": self.choice(row, "verification", path, Verification),
            "document_keys": self._named_in(new) or self._same_title(old),
            "old_document_keys": self._named_in(old),
            "position": n,
            "search": search_text(codes=(old, new), titles=(old, new)),
        }

    def _named_in(self, text: str) -> list[str]:
        """Documents whose number stands in `text`."""
        said = _squeezed(text)
        return [
            key
            for key, d in self.content.documents.items()
            if len(number := _squeezed(d["code"].split(";")[0])) >= 6 and number in said
        ]

    def _same_title(self, old: str) -> list[str]:
        """A newer version of the same law bears the old one's name: 食品安全法(2021年修正) → 中华人民共和国食品安全法."""
        name = _squeezed(_VERSION.sub("", old))
        return [key for key, d in self.content.documents.items() if _squeezed(d["title"]).endswith(name)]

    def requirement(self, raw: Any, path: str, n: int) -> None:
        row = self.fields(
            raw, path,
            "id domain domain_key document_key document_code document_title issuer effective_date clause kind "
            "requirement_zh measure applicability evidence default_deduction veto verification confirmed_basis "
            "source_note tier",
        )  # fmt: skip
        if row is None:
            return
        key = self.key(row, "id", path, self.content.requirements)
        domain = self.text(row, "domain_key", path, 20)
        name = self.text(row, "domain", path, 40)
        if domain and domain not in DOMAINS:
            self.wrong(f"{path}.domain_key", f"未知的领域“{domain}”")
        elif domain and DOMAINS[domain].name != name:
            self.wrong(f"{path}.domain", f"“{name}”与领域代码“{domain}”（{DOMAINS[domain].name}）不符")
        document_key = self.text(row, "document_key", path, 80)
        document = self.content.documents.get(document_key)
        if document is None:
            if document_key:
                self.wrong(f"{path}.document_key", f"文件“{document_key}”不在 documents 里")
        else:
            self._same_as_document(row, document, path)
        verification = self.choice(row, "verification", path, Verification)
        basis = self.choice(row, "confirmed_basis", path, ConfirmedBasis, empty=True)
        if verification and (verification == Verification.CONFIRMED) != bool(basis):
            self.wrong(f"{path}.confirmed_basis", "已核对（confirmed）的条款必须写明核对依据，其他的不得写")
        text = self.text(row, "requirement_zh", path, 300)
        clause = self.text(row, "clause", path, 80, empty=True)
        evidence = self.text(row, "evidence", path, 300, empty=True)
        values = {
            "document": document_key,
            "domain": domain,
            "clause": clause,
            "kind": self.choice(row, "kind", path, DocumentKind),
            "text": text,
            **self.measure(row.get("measure"), f"{path}.measure"),
            "applicability": self.text(row, "applicability", path, 200, empty=True),
            "evidence": evidence,
            "default_deduction": self.number(row, "default_deduction", path, least=Decimal(0)),
            "veto": self.flag(row, "veto", path),
            "verification": verification,
            "confirmed_basis": basis,
            "source_note": self.text(row, "source_note", path, 400, empty=True),
            "tier": self.choice(row, "tier", path, Tier),
            "position": n,
        }
        if (
            values["kind"]
            and values["value_origin"]
            and ((values["kind"] == DocumentKind.CONTRACT) != (values["value_origin"] == ValueOrigin.CONTRACT))
        ):
            self.wrong(f"{path}.measure.value_origin", "合同惯例的数值来源只能是合同约定，其他文件不得是")
        if document is not None:
            values["search"] = search_text(
                clause, evidence, values["applicability"], document["issuer"],
                codes=(document["code"], key), titles=(text, name, document["title"]),
            )  # fmt: skip
        self.content.requirements[key] = values

    def _same_as_document(self, row: Mapping[str, Any], document: Mapping[str, Any], path: str) -> None:
        day = document["effective_on"].isoformat() if document["effective_on"] else None
        for name, value in (
            ("document_code", document["code"]),
            ("document_title", document["title"]),
            ("issuer", document["issuer"]),
            ("kind", document["kind"]),
            ("effective_date", day),
        ):
            if name in row and row[name] != value:
                self.wrong(f"{path}.{name}", f"“{row[name]}”与 documents 里的“{value}”不一致")

    def measure(self, raw: Any, path: str) -> dict[str, Any]:
        row = self.fields(raw, path, "type op value unit value_origin")
        if row is None:
            return {"measure_type": "", "op": "", "value": "", "number": None, "unit": "", "value_origin": ""}
        value = row.get("value")
        number: Decimal | None = None
        op = self.choice(row, "op", path, Op)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            if number != number.quantize(Decimal("0.0001")) or abs(number) >= 10**10:
                self.wrong(f"{path}.value", f"{number} 超出可记录的范围（四位小数）")
            value = format(number.normalize(), "f")
        elif not isinstance(value, str) or not value.strip() or len(value) > 40:
            if "value" in row:
                self.wrong(f"{path}.value", "应是数字或不超过 40 个字的文字")
            value = ""
        elif op in {Op.MAX_INTERVAL, Op.MIN_COUNT, Op.VALID_MAX}:
            self.wrong(f"{path}.value", f"“{op}”的数值应是数字")
        return {
            "measure_type": self.choice(row, "type", path, MeasureType),
            "op": op,
            "value": value,
            "number": number,
            "unit": self.text(row, "unit", path, 40),
            "value_origin": self.choice(row, "value_origin", path, ValueOrigin),
        }

    def counts(self, raw: Mapping[str, Any]) -> None:
        """`requirement_count` of each document is what the file really holds."""
        real: dict[str, int] = {}
        for r in self.content.requirements.values():
            real[r["document"]] = real.get(r["document"], 0) + 1
        documents = raw.get("documents")
        for n, row in enumerate(documents if isinstance(documents, list) else []):
            if isinstance(row, dict) and row.get("requirement_count") != real.get(row.get("key", ""), 0):
                self.wrong(
                    f"documents[{n}].requirement_count",
                    f"写的是 {row.get('requirement_count')}，实际有 {real.get(row.get('key', ''), 0)} 条",
                )

    # --- rubrics --------------------------------------------------------------------------------

    def template(self, raw: Any, path: str, n: int) -> None:
        row = self.fields(raw, path, "id title period domains total_score scoring grades payment_suggestion dimensions")
        if row is None:
            return
        key = self.key(row, "id", path, self.content.templates)
        period = self.text(row, "period", path, 12)
        if period and period not in PERIODS:
            self.wrong(f"{path}.period", f"未知的周期“{period}”（{'、'.join(PERIODS)}）")
        if "total_score" in row and row["total_score"] != 100:
            self.wrong(f"{path}.total_score", "总分应为 100")
        domains = []
        for k, name in enumerate(self.rows(row, "domains", path)):
            if name not in KEY_OF_NAME:
                self.wrong(f"{path}.domains[{k}]", f"未知的领域“{name}”")
            else:
                domains.append(KEY_OF_NAME[name])
        scoring = self.fields(
            row.get("scoring"), f"{path}.scoring", "method formula max_deduction_rule veto_rule evidence_rule"
        ) or {}  # fmt: skip
        said = {name: self.text(scoring, name, f"{path}.scoring", 300) for name in scoring}
        grades = self.grades(row, path)
        payment = self.fields(row.get("payment_suggestion"), f"{path}.payment_suggestion", "text kind") or {}
        self.content.templates[key] = {
            "title": self.text(row, "title", path, 120),
            "period": PERIODS.get(period, ""),
            "domains": domains,
            "grades": grades,
            "veto_cap": self.cap(said.get("veto_rule", ""), grades, f"{path}.scoring.veto_rule"),
            "scoring": said,
            "payment_note": self.text(payment, "text", f"{path}.payment_suggestion", 300, empty=True),
            "payment_origin": self.choice(payment, "kind", f"{path}.payment_suggestion", ValueOrigin, empty=True),
            "position": n,
        }
        total = Decimal(0)
        for k, dimension in enumerate(self.rows(row, "dimensions", path)):
            total += self.dimension(dimension, f"{path}.dimensions[{k}]", k, key)
        if total != TOTAL:
            self.wrong(f"{path}.dimensions", f"各维度分值合计 {total}，应为 100")

    def cap(self, rule: str, grades: list[dict[str, str]], path: str) -> Decimal:
        """The number in 得分按不高于69.99分记; below the lowest passing grade."""
        found = _CAP.search(rule)
        if not found:
            self.wrong(path, "没有写明“不高于…分”，无法得到否决后的最高分")
            return Decimal(0)
        cap = Decimal(found.group(1))
        if len(grades) > 1 and cap >= Decimal(grades[-2]["min"]):
            self.wrong(path, f"否决后的最高分 {cap} 仍在“{grades[-2]['name']}”之内")
        return cap

    def grades(self, row: Mapping[str, Any], path: str) -> list[dict[str, str]]:
        made: list[dict[str, str]] = []
        upper = TOTAL
        for k, raw in enumerate(self.rows(row, "grades", path)):
            here = f"{path}.grades[{k}]"
            grade = self.fields(raw, here, "name min max")
            if grade is None:
                continue
            name = self.text(grade, "name", here, 20)
            least = self.number(grade, "min", here, least=Decimal(0))
            most = self.number(grade, "max", here, least=Decimal(0))
            if name in {g["name"] for g in made}:
                self.wrong(f"{here}.name", f"“{name}”重复")
            if most != upper:
                self.wrong(f"{here}.max", f"{most} 与上一档不衔接，应为 {upper}")
            if least > most:
                self.wrong(f"{here}.min", f"{least} 高于上限 {most}")
            upper = least - CENT
            made.append({"name": name, "min": f"{least:.2f}"})
        if made and Decimal(made[-1]["min"]) != 0:
            self.wrong(f"{path}.grades", "最低一档应从 0 分开始")
        return made

    def dimension(self, raw: Any, path: str, n: int, template: str) -> Decimal:
        row = self.fields(raw, path, "id name weight items")
        if row is None:
            return Decimal(0)
        key = self.key(row, "id", path, self.content.dimensions)
        weight = self.number(row, "weight", path)
        self.content.dimensions[key] = {
            "template": template,
            "title": self.text(row, "name", path, 60),
            "weight": weight,
            "position": n,
        }
        total = Decimal(0)
        for k, item in enumerate(self.rows(row, "items", path)):
            total += self.item(item, f"{path}.items[{k}]", k, key)
        if total != weight:
            self.wrong(f"{path}.items", f"各项分值合计 {total}，应等于本维度的 {weight}")
        return weight

    def item(self, raw: Any, path: str, n: int, dimension: str) -> Decimal:
        row = self.fields(
            raw, path,
            "id text_zh requirement_ids kind max_deduction deduct_per_occurrence deduct_unit veto "
            "veto_requirement_ids evidence",
        )  # fmt: skip
        if row is None:
            return Decimal(0)
        key = self.key(row, "id", path, self.content.items)
        points = self.number(row, "max_deduction", path)
        each = self.number(row, "deduct_per_occurrence", path)
        if each > points > 0:
            self.wrong(f"{path}.deduct_per_occurrence", f"每次扣 {each} 分，超过本项分值 {points}")
        veto = self.flag(row, "veto", path)
        cited = self.references(row, "requirement_ids", path)
        vetoing = self.references(row, "veto_requirement_ids", path)
        kind = self.choice(row, "kind", path, ItemKind)
        if kind == ItemKind.BY_REFERENCE and not cited:
            self.wrong(f"{path}.requirement_ids", "依据条款的评分项至少要引用一条要求")
        if veto != bool(vetoing):
            self.wrong(f"{path}.veto", "一票否决项必须写明 veto_requirement_ids，其他项不得写")
        for k, wanted in enumerate(vetoing):
            if wanted not in cited:
                self.wrong(f"{path}.veto_requirement_ids[{k}]", f"“{wanted}”不在本项的 requirement_ids 里")
            elif not self.content.requirements[wanted]["veto"]:
                self.wrong(f"{path}.veto_requirement_ids[{k}]", f"“{wanted}”不是一票否决的要求")
        self.content.items[key] = {
            "dimension": dimension,
            "text": self.text(row, "text_zh", path, 300),
            "kind": kind,
            "max_deduction": points,
            "deduct_per_occurrence": each,
            "deduct_unit": self.text(row, "deduct_unit", path, 10),
            "veto": veto,
            "requirement_keys": cited,
            "veto_requirement_keys": vetoing,
            "evidence": self.text(row, "evidence", path, 300, empty=True),
            "position": n,
        }
        return points

    def references(self, row: Mapping[str, Any], name: str, path: str) -> list[str]:
        value = row.get(name)
        if not isinstance(value, list):
            if name in row:
                self.wrong(f"{path}.{name}", "应是一个列表")
            return []
        kept: list[str] = []
        for k, key in enumerate(value):
            if key not in self.content.requirements:
                self.wrong(f"{path}.{name}[{k}]", f"要求“{key}”不存在")
            elif key in kept:
                self.wrong(f"{path}.{name}[{k}]", f"“{key}”重复")
            else:
                kept.append(key)
        return kept
