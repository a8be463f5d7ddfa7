"""Look at the model pack: `manage.py face_models check` names what is missing or changed. Exit code 1 when it cannot be used."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.face import pack


class Command(BaseCommand):
    help = "Say whether the face model pack named by FACE_MODEL_PACK is whole. Nothing is downloaded."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["check"])
        parser.add_argument("--load", action="store_true", help="load the models too, as the worker will")

    def handle(self, *args: Any, **options: Any) -> None:
        found = pack.state()
        if not found.configured:
            self.stdout.write("没有配置 FACE_MODEL_PACK：人脸服务不可用，其他打卡方式不受影响。")
            return
        if found.pack:
            self.stdout.write(f"模型包：{found.pack.name}（{found.pack.folder}）")
            self.stdout.write(f"许可：{found.pack.licence}")
            self.stdout.write(f"相似度阈值 {found.pack.threshold:g}，模型标识 {found.pack.model_hash[:16]}")
            live = found.pack.liveness_threshold
            self.stdout.write(f"活体检测：{'没有' if live is None else f'有，阈值 {live:g}'}")
        for problem in found.problems:
            self.stderr.write(f"✗ {problem}")
        if not found.ready:
            raise CommandError("模型包不可用：请按上面列出的问题补齐文件，再运行一次本命令。平台不会自动下载模型。")
        if options["load"]:
            from tenants.face import engine

            engine.current()
        self.stdout.write("✓ 文件齐全，校验值相符" + ("，模型可以加载" if options["load"] else ""))
