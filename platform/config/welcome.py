"""What `make run` prints: addresses and demo accounts."""

import os

from config import settings
from institute.schools import queries as schools


def lines(port: int) -> list[str]:
    """Addresses of the public host and of each open school; the demo's accounts where it was made."""
    suffix = settings.SCHOOL_HOST_SUFFIX
    rows = [f"  研究院与公共页面  http://localhost:{port}/"]
    rows += [f"  {t.name}  http://{t.slug}.{suffix}:{port}/" for t in schools.open_tenants()[:10]]
    if os.environ.get("DEMO", "1") == "0":
        return [*rows, "", "  第一个研究院账号：.venv/bin/python manage.py invite_institute_admin <邮箱> <姓名>"]
    from workers.demo.people import PASSWORD
    from workers.demo.schools import PLANS

    rows += ["", f"  演示账号（密码都是 {PASSWORD}）"]
    rows += ["    研究院    institute 管理员 · reviewer1—3 评审专家 · analyst 数据分析员"]
    for plan in PLANS:
        rows.append(
            f"    {plan.name}    admin.{plan.slug} 管理员 · leader.{plan.slug} 分管领导 · "
            f"supervisor.{plan.slug} 督查员 · worker.{plan.slug} 一线员工 · twojobs.{plan.slug} 兼两份岗的员工"
        )
    return [*rows, "    物业企业  provider 同时服务两校"]
