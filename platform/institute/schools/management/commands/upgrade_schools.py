"""`manage.py upgrade_schools`: the schools' tables to the running code, after `migrate_schemas --shared`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from institute.schools import pool, upgrade
from kernel import clock


class Command(BaseCommand):
    help = "Replay missing migrations in every school. Safe to kill and to repeat; exit code 1 while schools are left."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--verify", action="store_true", help="afterwards compare every school with the template")
        parser.add_argument("--rounds", type=int, default=upgrade.ROUNDS, help="how often a busy school is tried")

    def handle(self, *args: Any, **options: Any) -> None:
        say = self.stdout.write if options["verbosity"] else lambda _line: None
        summary = upgrade.upgrade_all(clock=clock.now, report=say, rounds=options["rounds"])
        for reason in summary.normally:
            say(f"not replayed, run school by school: {reason}")
        say(f"upgraded {summary.upgraded}, busy {len(summary.waiting)}, failed {len(summary.failed)}")
        pool.refill(now=clock.now())
        if options["verify"]:
            drifted = upgrade.verify_all(now=clock.now())
            say(f"verified, {len(drifted)} differ")
            if drifted:
                raise CommandError("differ from the template: " + ", ".join(drifted))
        if not summary.complete:
            left = ", ".join([*summary.waiting, *summary.failed])
            raise CommandError(f"not upgraded: {left}; run again (the ledger page says why)")
