"""Seal face templates again under the newest key: append a key to DATA_KEYS, restart, then `manage.py face_rotate`."""

from typing import Any

from django.core.management.base import BaseCommand

from institute.schools import queries as schools
from kernel.tenancy import public_context, school_context
from tenants.face import operations


class Command(BaseCommand):
    help = "Seal the face templates of all schools again under the last key of DATA_KEYS. Safe to stop and run again."

    def handle(self, *args: Any, **options: Any) -> None:
        with public_context():
            tenants = schools.kept_tenants()
        total = 0
        for tenant in tenants:
            with school_context(tenant):
                changed = operations.rotate(tenant=tenant)
            total += changed
            if changed:
                self.stdout.write(f"{tenant.name}：{changed} 条已用新密钥重新加密")
        self.stdout.write(f"✓ {len(tenants)} 所学校，共 {total} 条")
