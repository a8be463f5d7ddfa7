"""The message queue tables of the one-machine broker: pgmq's own SQL, from its package, in schema `pgmq`."""

from django.db import migrations


def install(apps, schema_editor):
    """Public database only, once; without the extension, plain SQL."""
    from pgmq.install import get_embedded_install_sql

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('pgmq') IS NOT NULL")
        if not cursor.fetchone()[0]:
            cursor.connection.execute(get_embedded_install_sql())


class Migration(migrations.Migration):
    dependencies = []
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
