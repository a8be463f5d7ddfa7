"""Fill this installation with the demo: `manage.py demo`. Finds what is already there and goes on from it."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from workers import demo


class Command(BaseCommand):
    help = "Make the demo institute, schools and people (never in production)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        part = parser.add_mutually_exclusive_group()
        part.add_argument("--shared", action="store_true", help="only the institute and the opened, empty schools")
        part.add_argument("--school", choices=[plan.slug for plan in demo.PLANS], help="only what is in this school")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("演示数据只用于试用环境：PRODUCTION=1 时拒绝生成。")

        def say(sentence: str) -> None:
            self.stdout.write(f"    {sentence}")
            self.stdout.flush()

        if options["shared"]:
            demo.make_shared(now=clock.now(), say=say)
        elif options["school"]:
            plan = next(plan for plan in demo.PLANS if plan.slug == options["school"])
            demo.make_school(plan, now=clock.now(), say=say)
        else:
            demo.make(now=clock.now(), say=say)
