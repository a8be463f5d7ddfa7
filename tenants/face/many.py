"""One among many (1:N) within one school. Punches do not use it: a person says who they are, and 1:1 is asked.

Kept for a school's own search under its admin's hand (a person who lost their number); whoever offers it adds the
policy and the event. The matrix lives in the memory of the queue's process and is made anew when templates change.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel.tenancy import Tenant
from tenants.face import engine, pack, vault
from tenants.face.models import Template


@dataclass(frozen=True, slots=True)
class Found:
    """Who it most likely is; only with `sure` may anybody act on it."""

    staff_id: UUID
    score: float
    margin: float
    sure: bool


class School:
    """All templates of a school for the model in use, opened."""

    def __init__(self, tenant: Tenant) -> None:
        self._pack = pack.usable()
        model_hash, schema = self._pack.model_hash, tenant.schema
        rows = Template.objects.filter(model_hash=model_hash).order_by("pk").values_list("staff_id", "vector_sealed")
        self._staff: list[UUID] = []
        vectors: list[bytes] = []
        for staff_id, sealed in rows.iterator(chunk_size=2_000):
            self._staff.append(staff_id)
            vectors.append(vault.open_vector(sealed, schema=schema, staff_id=staff_id, model_hash=model_hash))
        self.matrix = engine.Matrix(vectors, self._pack.dimension)

    def find(self, vector: bytes) -> Found | None:
        """The nearest person; `sure` needs the pack's threshold and its lead over the second."""
        nearest = self.matrix.nearest(vector)
        if nearest is None:
            return None
        sure = nearest.score >= self._pack.threshold and nearest.margin >= self._pack.margin
        return Found(self._staff[nearest.index], nearest.score, nearest.margin, sure)
