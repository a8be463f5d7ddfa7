"""Write the SDL snapshots (`make sdl`)."""

from typing import Any

from django.core.management.base import BaseCommand

from graphql_api import snapshots


class Command(BaseCommand):
    help = "Write graphql_api/*.graphql from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        for path, sdl in snapshots.current().items():
            path.write_text(sdl)
            self.stdout.write(f"{path.name}: {len(sdl.splitlines())} lines")
