"""Posts: contracted headcount and required certificates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from standards_library.choices import ServiceLine
from tenants.organisation import policies, queries
from tenants.organisation.choices import CertificateKind, StaffStatus
from tenants.organisation.errors import PartyClosed, PostHasStaff, PostNameTaken
from tenants.organisation.models import Party, Post, Staff
from tenants.timeline import operations as timeline


def _fields(
    *, party: Party, name: str, line: str, headcount: int, certificates: Sequence[str], place_id: UUID | None
) -> dict[str, object]:
    name = " ".join(name.split())
    if not name or len(name) > 60:
        raise Invalid("请填写岗位名称，最多 60 字。", field="name")
    if line not in ServiceLine.values:
        raise Invalid("请选择服务条线。", field="line")
    if not 0 <= headcount <= 9999:
        raise Invalid("编制人数应在 0 到 9999 之间。", field="headcount")
    if not set(certificates) <= set(CertificateKind.values):
        raise Invalid("所需证书中有系统不认识的类别，请重新选择。", field="certificates")
    return {
        "party": party,
        "name": name,
        "line": line,
        "headcount": headcount,
        "certificates": [c for c in CertificateKind.values if c in set(certificates)],
        "place": queries.place(place_id) if place_id else None,
    }


@transaction.atomic
def add_post(
    *,
    party_id: UUID,
    name: str,
    line: str,
    headcount: int,
    certificates: Sequence[str] = (),
    place_id: UUID | None = None,
    by: Actor,
    tenant: Tenant,
) -> Post:
    """Add a post of a contract or department. Raises NotAllowed, NotFound, PartyClosed, PostNameTaken, Invalid."""
    if not policies.can_manage(by):
        raise NotAllowed
    party = queries.party(party_id)
    if not party.active:
        raise PartyClosed(field="party", name=party.name)
    fields = _fields(
        party=party, name=name, line=line, headcount=headcount, certificates=certificates, place_id=place_id
    )
    if Post.objects.filter(party=party, name=fields["name"]).exists():
        raise PostNameTaken(field="name", party=party.name, name=fields["name"])
    post = Post.objects.create(**fields)
    timeline.record(
        verb="post.added",
        sentence=f"「{party.name}」新增岗位「{post.name}」，编制 {post.headcount} 人",
        subject=post,
        by=by,
        party_id=party.pk,
    )
    return post


@transaction.atomic
def change_post(
    *,
    post_id: UUID,
    name: str,
    line: str,
    headcount: int,
    certificates: Sequence[str] = (),
    place_id: UUID | None = None,
    by: Actor,
    tenant: Tenant,
) -> Post:
    """Change a post within its party; a closed one is opened again. Locks it. Raises as add_post."""
    if not policies.can_manage(by):
        raise NotAllowed
    post = Post.objects.select_for_update(of=("self",)).select_related("party").filter(pk=post_id).first()
    if post is None:
        raise NotFound
    before = {"name": post.name, "headcount": post.headcount, "certificates": post.certificates}
    fields = _fields(
        party=post.party, name=name, line=line, headcount=headcount, certificates=certificates, place_id=place_id
    )
    if Post.objects.filter(party=post.party, name=fields["name"]).exclude(pk=post.pk).exists():
        raise PostNameTaken(field="name", party=post.party.name, name=fields["name"])
    for column, value in {**fields, "active": True, "closed_on": None}.items():
        setattr(post, column, value)
    post.save()
    timeline.record(
        verb="post.changed",
        sentence=f"修改岗位「{post.name}」，编制 {post.headcount} 人",
        subject=post,
        by=by,
        party_id=post.party_id,
        old=before,
    )
    return post


@transaction.atomic
def close_post(*, post_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Post:
    """Close a post nobody stands in any more, from today on. Locks it. Closing twice is once. Raises NotAllowed, NotFound, PostHasStaff."""
    if not policies.can_manage(by):
        raise NotAllowed
    post = Post.objects.select_for_update().filter(pk=post_id).first()
    if post is None:
        raise NotFound
    working = Staff.objects.filter(post=post, status=StaffStatus.ACTIVE).count()
    if working:
        raise PostHasStaff(name=post.name, count=working)
    if not post.active:
        return post
    post.active, post.closed_on = False, now.astimezone(tenant.tz).date()
    post.save(update_fields=["active", "closed_on"])
    timeline.record(
        verb="post.closed", sentence=f"停用岗位「{post.name}」", subject=post, by=by, party_id=post.party_id
    )
    return post
