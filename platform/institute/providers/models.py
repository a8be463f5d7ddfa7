"""Property companies (物业企业). Contracts live in the schools; here stands only who the company is."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id


class Provider(models.Model):
    """One company, known across schools by its unified social credit code (GB 32100)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("企业名称"), max_length=120)
    credit_code = models.CharField(_("统一社会信用代码"), max_length=18, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("物业企业")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """That a company has contracts running in a school, as the school's own tables said at `noted_at`.

    The school tells it (`workers.tasks.organisation`); the institute counts the rows and never shows whose they are.
    """

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="services")
    school_id = models.UUIDField()
    contracts = models.PositiveSmallIntegerField()
    noted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "school_id"], name="providers_service_once"),
            models.CheckConstraint(condition=models.Q(contracts__gte=1), name="providers_service_contracts"),
        ]
        indexes = [models.Index(fields=["school_id"], name="providers_service_school")]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.school_id}"
