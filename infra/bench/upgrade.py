"""A release that adds a nullable column and its check to all schools: replay against `migrate_schemas`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from infra.bench.scratch import seconds, told

GOAL = 100.0
SIZES = {"small": (20, 1), "full": (200, 3)}


def run(size: str) -> tuple[float, float]:
    from django.core.management import call_command
    from django.db import connection, connections

    from institute.schools import blueprint, upgrade
    from institute.schools.models import School
    from kernel import clock
    from tests.factories.schools import make_school
    from tests.institute.schools import later

    schools, copies = SIZES["small" if size == "small" else "full"]

    def use(database: str) -> None:
        connections.close_all()
        connection.settings_dict["NAME"] = database

    fleet = connection.settings_dict["NAME"]
    for number in range(schools):
        make_school(f"bench-{number:04}")
    names = [f"copy_{n}" for n in range(copies + 1)]
    for name in names:
        use("template1")
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{fleet}" STRATEGY file_copy')
    with tempfile.TemporaryDirectory() as folder, later.release(Path(folder), "column"):
        ours, again = [], []
        for name in names[1:]:
            use(name)
            seconds(blueprint.current)
            ours.append(seconds(lambda: upgrade.upgrade_all(clock=clock.now)))
            assert not upgrade.behind().exists()
            again.append(seconds(lambda: upgrade.upgrade_all(clock=clock.now)))
        assert upgrade.verify_all(now=clock.now()) == []
        use(names[0])
        assert School.objects.count() == schools

        def migrate() -> None:
            call_command("migrate_schemas", tenant=True, verbosity=0, interactive=False)

        base = [seconds(migrate)]
        idle = [seconds(migrate)]
    print(f"{schools} schools, one migration (a nullable column and its check):", flush=True)
    theirs = told("migrate_schemas", base)
    mine = told("upgrade_schools (script rendered already)", ours)
    told("nothing to do: migrate_schemas", idle)
    told("nothing to do: upgrade_schools", again)
    return theirs / mine, GOAL
