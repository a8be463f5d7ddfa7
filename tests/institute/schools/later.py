"""The next release, for tests of the upgrade: more migrations of `findings`, in a package of their own.

`python -m tests.institute.schools.later` upgrades the schools of DATABASE_URL to it, as a process that can be killed.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

EXPAND = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("findings", "{after}")]
    operations = [
        migrations.AddField("finding", "later_note", models.CharField(max_length=20, null=True)),
        migrations.AddConstraint("finding", models.CheckConstraint(
            condition=models.Q(later_note__in=["a", "b"]), name="findings_later_note_known")),
        migrations.CreateModel("Later", [
            ("id", models.BigAutoField(primary_key=True)),
            ("finding", models.ForeignKey("findings.Finding", models.CASCADE)),
            ("text", models.CharField(max_length=10, unique=True, default="it's 100%")),
        ]),
    ]
"""
COLUMN = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("findings", "{after}")]
    operations = [
        migrations.AddField("finding", "later_note", models.CharField(max_length=20, null=True)),
        migrations.AddConstraint("finding", models.CheckConstraint(
            condition=models.Q(later_note__in=["a", "b"]), name="findings_later_note_known")),
    ]
"""
CONCURRENT = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("findings", "{after}")]
    operations = [AddIndexConcurrently("finding", models.Index(fields=["later_note"], name="findings_later_note"))]
"""
PYTHON = """
from django.db import migrations

def fill(apps, schema_editor):
    apps.get_model("findings", "Later").objects.filter(text="").update(text="filled")

class Migration(migrations.Migration):
    dependencies = [("findings", "{after}")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
"""
BODIES = {"expand": EXPAND, "column": COLUMN, "concurrent": CONCURRENT, "python": PYTHON}


def write(folder: Path, *bodies: str) -> None:
    """A package `later_findings` in `folder`: today's migrations of findings and the named ones after them."""
    package = folder / "later_findings"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(ROOT / "tenants" / "findings" / "migrations", package, ignore=shutil.ignore_patterns("__pycache__"))
    last = max(p.stem for p in package.glob("0*.py"))
    for number, body in enumerate(bodies):
        name = f"09{number:02}_{body}"
        (package / f"{name}.py").write_text(BODIES[body].replace("{after}", last))
        last = name


def _forget_modules() -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "later_findings"]:
        del sys.modules[name]


@contextmanager
def release(folder: Path, *bodies: str) -> Iterator[None]:
    """Run as the next release, whose migrations of findings lie in `folder`."""
    from django.test import override_settings

    from institute.schools import blueprint

    write(folder, *bodies)
    sys.path.insert(0, str(folder))
    _forget_modules()
    try:
        with override_settings(MIGRATION_MODULES={"findings": "later_findings"}):
            blueprint.forget()
            yield
    finally:
        sys.path.remove(str(folder))
        _forget_modules()
        blueprint.forget()


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "platform"), str(ROOT / "graphql"), os.environ["LATER"]]
    import django
    from django.conf import settings

    settings.MIGRATION_MODULES = {"findings": "later_findings"}
    django.setup()
    from django.core.management import call_command

    call_command("upgrade_schools", rounds=1)
