"""`manage.py invite_institute_admin <mail> <name>`: how the first person of the institute gets in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from identity import operations
from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import DomainError


class Command(BaseCommand):
    help = "Invite an administrator of the institute by mail; the link works once, for seven days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name")

    def handle(self, *args: Any, email: str, name: str, **options: Any) -> None:
        try:
            operations.invite(
                email=email, name=name, role=Role.INSTITUTE_ADMIN, tenant=None, by=Actor.system(), now=clock.now()
            )
        except DomainError as refused:
            raise CommandError(refused.sentence) from None
        self.stdout.write(f"邀请已发往 {email}，链接七天内有效，只能使用一次。")
