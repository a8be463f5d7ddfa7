"""`manage.py import_standards [file] [--check]`: load the standards library, or say what is wrong with the file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kernel import clock
from standards_library.operations import ImportReport, import_edition
from standards_library.reading import Rejected, read

DATA = Path(__file__).resolve().parents[2] / "data"


def default_file() -> Path:
    """The newest data file of the product."""
    return max(DATA.glob("*.json"))


class Command(BaseCommand):
    help = "Load an edition of the standards library from a data file (default: the newest in standards_library/data)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path)
        parser.add_argument("--check", action="store_true", help="say what would change; write nothing")

    def handle(self, *args: Any, file: Path | None = None, check: bool = False, **options: Any) -> None:
        path = file or default_file()
        try:
            content = read(path.read_text(encoding="utf-8"))
        except OSError as failed:
            raise CommandError(f"读不到文件 {path}：{failed.strerror}") from failed
        except UnicodeDecodeError as failed:
            raise CommandError(f"{path} 不是 UTF-8 文本") from failed
        except Rejected as refused:
            listing = "\n".join(f"  {problem}" for problem in refused.problems)
            raise CommandError(f"{path} 有 {len(refused.problems)} 处错误，什么也没有写入：\n{listing}") from refused
        report = import_edition(content=content, now=clock.now(), dry_run=check)
        if options["verbosity"]:
            self.stdout.write("\n".join(lines(report, check=check, details=options["verbosity"] > 0)))


def lines(report: ImportReport, *, check: bool, details: bool) -> list[str]:
    """The report for people."""
    said = [f"标准库 {report.edition} 版{'（新版次）' if report.new_edition else ''}{'，试运行' if check else ''}"]
    for t in report.tables:
        said.append(
            f"  {t.name} {t.total}：新增 {len(t.added)}，修改 {len(t.changed)}，停用 {len(t.retired)}"
            + (f"，恢复 {len(t.restored)}" if t.restored else "")
        )
        if details and not report.new_edition:
            said += [f"    + {key}" for key in t.added]
            for key, change in t.changed.items():
                said += [f"    ~ {key} {name}：{was} → {will}" for name, (was, will) in change.items()]
            said += [f"    - {key}" for key in t.retired]
            said += [f"    ↺ {key}" for key in t.restored]
    if not report.touched:
        said.append("  没有变化")
    return said
