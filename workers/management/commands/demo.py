"""Fill this installation with the demo: `manage.py demo`. Finds what is already there and goes on from it."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from workers import demo


class Command(BaseCommand):
    help = "Make the demo institute, schools and people (never in production)."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("演示数据只用于试用环境：PRODUCTION=1 时拒绝生成。")
        demo.make(now=clock.now(), say=lambda sentence: self.stdout.write(f"    {sentence}"))
