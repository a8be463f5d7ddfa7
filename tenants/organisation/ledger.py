"""The certificate ledger (证书台账): who holds or needs which certificate, and where each stands. One query."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from identity.contracts import Actor
from tenants.organisation import certificates, policies, queries
from tenants.organisation.choices import CertificateKind, CertificateState
from tenants.organisation.models import Staff

BAD = (CertificateState.EXPIRED, CertificateState.REVIEW_LATE, CertificateState.MISSING)  # counts for nothing today
NEAR = (CertificateState.SOON, CertificateState.REVIEW)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One person × kind: the certificate that lasts longest, or that the one the post requires is missing."""

    staff_id: UUID
    staff_number: str
    name: str
    party_id: UUID
    party_name: str
    post_name: str
    required: bool
    kind: CertificateKind
    state: CertificateState
    certificate_id: UUID | None = None
    number: str = ""
    issued_on: date | None = None
    review_on: date | None = None
    expires_on: date | None = None
    scan_id: UUID | None = None
    days_left: int | None = None  # to the end or review; negative after it; None: no end, or no certificate

    @property
    def key(self) -> str:
        return f"{self.staff_id}:{self.kind}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Rows of the chosen state, worst first; `counts` are of all states under the other filters."""

    rows: list[LedgerRow]
    counts: dict[CertificateState, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def in_force(self) -> int:
        return self.total - sum(self.counts[s] for s in BAD)


_SQL = """
WITH people AS (
    SELECT s.id, s.number, s.name, s.pinyin, s.party_id, s.post_id FROM organisation_staff s WHERE s.id IN ({people})
), need AS (
    SELECT p.id AS staff_id, k.kind FROM people p
    JOIN organisation_post o ON o.id = p.post_id, jsonb_array_elements_text(o.certificates) AS k(kind)
), held AS (
    SELECT DISTINCT ON (c.staff_id, c.kind) c.* FROM organisation_certificate c
    WHERE c.staff_id IN (SELECT id FROM people)
    ORDER BY c.staff_id, c.kind, LEAST(c.expires_on, c.review_on) DESC NULLS FIRST, c.issued_on DESC
)
SELECT p.id, p.number, p.name, p.party_id, y.name, COALESCE(o.name, ''), n.staff_id IS NOT NULL,
       COALESCE(h.kind, n.kind), h.id, h.number, h.issued_on, h.review_on, h.expires_on, h.scan_id
FROM held h FULL JOIN need n ON n.staff_id = h.staff_id AND n.kind = h.kind
JOIN people p ON p.id = COALESCE(h.staff_id, n.staff_id)
JOIN organisation_party y ON y.id = p.party_id
LEFT JOIN organisation_post o ON o.id = p.post_id
ORDER BY p.pinyin, p.number, COALESCE(h.kind, n.kind)
"""
_ORDER = {s: n for n, s in enumerate((*BAD, *NEAR, CertificateState.VALID))}


def ledger(
    *,
    by: Actor,
    today: date,
    search: str = "",
    party_id: UUID | None = None,
    post_id: UUID | None = None,
    kind: str = "",
    state: str = "",
) -> Ledger:
    """Certificates of the working people `by` may see, and the ones their posts miss.

    `kind` is a kind or a group of kinds ("special_work" 特种作业). `state` is a CertificateState, "bad" (counts for
    nothing today) or "near". Raises NotAllowed.
    """
    people = queries.staff(by=by, search=search, party_id=party_id, post_id=post_id).order_by()
    kinds = certificates.kinds_of(kind)
    rows = [row for row in _read(people, today) if not kinds or row.kind in kinds]
    counts = Counter(row.state for row in rows)
    wanted = {"bad": BAD, "near": NEAR}.get(state) or ((state,) if state in CertificateState.values else ())
    chosen = [row for row in rows if not wanted or row.state in wanted]
    chosen.sort(key=lambda r: (_ORDER[r.state], r.days_left if r.days_left is not None else 10**6))
    return Ledger(rows=chosen, counts={s: counts.get(s, 0) for s in CertificateState})


def _read(people: QuerySet[Staff], today: date) -> list[LedgerRow]:
    try:
        sql, params = people.values("pk").query.sql_with_params()
    except EmptyResultSet:  # somebody who may see nobody
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SQL.replace("{people}", sql), list(params))
        found = cursor.fetchall()
    return [_row(record, today) for record in found]


@dataclass(frozen=True, slots=True)
class _Dates:
    issued_on: date
    review_on: date | None
    expires_on: date | None


_PERSON = ("staff_id", "staff_number", "name", "party_id", "party_name", "post_name", "required")


def _row(record: tuple[Any, ...], today: date) -> LedgerRow:
    person: dict[str, Any] = dict(zip(_PERSON, record, strict=False))
    kind, certificate_id, rest = CertificateKind(record[7]), record[8], record[9:]
    if certificate_id is None:
        return LedgerRow(**person, kind=kind, state=CertificateState.MISSING)
    number, issued_on, review_on, expires_on, scan_id = rest
    dates = _Dates(issued_on, review_on, expires_on)
    last = certificates.last_day(dates)
    return LedgerRow(
        **person,
        kind=kind,
        state=certificates.state_on(dates, today),
        certificate_id=certificate_id,
        number=number,
        issued_on=issued_on,
        review_on=review_on,
        expires_on=expires_on,
        scan_id=scan_id,
        days_left=(last - today).days if last else None,
    )


def answer(found: Ledger, *, whose: str, which: str) -> str:
    """The sentence that answers 「工程部的员工特种作业证到期了吗？」 literally."""
    who = f"{whose}的{which}" if whose else f"全部{which}"
    if not found.total:
        return f"{who}：没有登记，岗位也没有要求。"
    gone = found.counts[CertificateState.EXPIRED] + found.counts[CertificateState.REVIEW_LATE]
    said = [f"{who}共 {found.total} 份"]
    said.append(f"有 {gone} 份已过期或复审逾期" if gone else "没有过期的")
    if missing := found.counts[CertificateState.MISSING]:
        said.append(f"缺 {missing} 份")
    if near := sum(found.counts[s] for s in NEAR):
        said.append(f"{near} 份在 {certificates.SOON.days} 天内到期或需复审")
    return "，".join(said) + "。"


def shows_evidence(actor: Actor, evidence_id: UUID) -> bool:
    """Whether the evidence is the scan of a certificate of somebody the actor may see (evidence.policies)."""
    if actor.grant_id is not None or not actor.may("organisation:read"):
        return False
    people = Staff.objects.select_related("party").filter(certificates__scan_id=evidence_id)
    return any(policies.can_read_staff(actor, person) for person in people)
