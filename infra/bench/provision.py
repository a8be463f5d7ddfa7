"""Opening a school: replaying the template's script, and renaming a spare, against migrating (the library's way).

The schools that are merely to be there come by the script alone; each measured opening is the whole way, checked.
The worst of the sizes is what counts.
"""

from __future__ import annotations

from itertools import count

from infra.bench.scratch import seconds, told

GOAL = 12.0
SIZES = {"small": ([1, 20], 3), "full": ([1, 100, 1000], 7)}
_n = count(1)


def run(size: str) -> tuple[float, float]:
    from django.db import connection

    from identity.contracts import Actor
    from institute.schools import blueprint, operations, pool
    from institute.schools.contracts import NewSchool
    from institute.schools.models import School
    from kernel import clock

    present, rounds = SIZES["small" if size == "small" else "full"]

    def approved() -> School:
        new = NewSchool(name="江城理工大学", slug=f"bench-{next(_n)}", kind="university", region="42", mode="mixed")
        return operations.approve_school(new=new, by=Actor.system(), now=clock.now())

    def filled() -> None:
        operations.build_schema(school=approved(), drawn=drawn, now=clock.now())

    def drop(school: School) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP SCHEMA IF EXISTS "{school.schema_name}" CASCADE')

    print(f"drawing the blueprint once: {seconds(blueprint.current):.2f} s", flush=True)
    drawn = blueprint.current()
    tables = sum(line.startswith("table ") for line in drawn.lines)
    there, worst = 0, float("inf")
    for number in present:
        while there < number:
            filled()
            there += 1
            if there % 100 == 0:
                print(f"  … {there} there", flush=True)
        print(f"{number} schools present, {tables} tables each:", flush=True)
        migrate, replay, rename = [], [], []
        for _ in range(rounds):  # in turn, so that all three see the same machine
            school = approved()
            migrate.append(seconds(lambda s=school: s.create_schema(check_if_exists=True, verbosity=0)))
            drop(school)
            school = approved()
            replay.append(seconds(lambda s=school: operations.provision(school_id=s.pk, now=clock.now())))
            assert School.objects.get(pk=school.pk).status == "ready"
            pool.refill(now=clock.now(), size=1)
            school = approved()
            rename.append(seconds(lambda s=school: operations.provision(school_id=s.pk, now=clock.now())))
            there += 2
        base = told("migrate_schemas for one school", migrate)
        ours = told("approved → ready by replay, checked", replay)
        spare = told("approved → ready with a spare, checked", rename)
        print(f"  {base / ours:.1f} times, {base / spare:.1f} times with a spare", flush=True)
        worst = min(worst, base / ours)
    return worst, GOAL
