"""Entry point `manage.py` of the installed wheel, where the source roots are ordinary packages."""

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line()
