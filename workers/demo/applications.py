"""One application that waits for the institute's completeness check."""

from datetime import datetime

from stdnum.cn import uscc

from identity.contracts import Actor
from institute.applications import links, operations
from institute.applications.choices import ApplicationStatus
from institute.applications.models import Application
from standards_library.choices import ServiceLine
from workers.demo.documents import letter
from workers.demo.institute import Institute

NAME = "鹤汀洲师范学院"
EMAIL = "shenbao@demo.invalid"
STATEMENT = (
    "我院有两个校区、九千余名学生，保洁与安保外包，公寓、维修、餐饮由后勤处自管。现行月度考核靠纸质评分表，"
    "扣分与现场照片对不上，整改是否到位全凭记忆；去年师生满意度调查只做了一次。希望借助平台把巡查、整改、评分连成一条线，"
    "让外包与自管用同一把尺子，并在同类学校中看清自己的位置。"
)


def make(staff: Institute, *, now: datetime) -> None:
    """Apply as a visitor would, from the first form to the hand-in."""
    if Application.objects.exclude(status=ApplicationStatus.DRAFT).exists():
        return
    visitor = Actor.anonymous()
    started = operations.start(name=NAME, email=EMAIL, source="demo", by=visitor, now=now)
    draft = Application.objects.get(pk=started.application_id)
    token = links.make(application_id=draft.pk, version=1, now=now, mailed=draft.contact_email_index)
    operations.arrive(token=token, by=visitor, now=now)
    stem = "12999999700000021"
    answers = {
        "school_code": "90021",
        "credit_code": stem + uscc.calc_check_digit(stem),
        "kind": "university",
        "region": "33",
        "city": "鹤汀",
        "students": "9400",
        "staff_count": "760",
        "campuses": "2",
        **{f"line_{line}": "self_run" for line in ServiceLine.values},
        "line_cleaning": "outsourced",
        "line_security": "outsourced",
        "provider_names": "澄屿湾物业服务有限公司",
        "statement": STATEMENT,
        "contact_name": "何知秋",
        "contact_duty": "后勤处副处长",
        "contact_phone": "13900000021",
    }
    for field, value in {"name": NAME, **answers}.items():
        operations.save_answer(token=token, field=field, value=value, by=visitor, now=now)
    for kind, title in (("letter", "申报函"), ("legal", "事业单位法人证书"), ("service", "服务合同与考核办法")):
        operations.add_document(
            token=token, kind=kind, name=f"{title}.png", data=letter(NAME, title), by=visitor, now=now
        )
    operations.submit(token=token, by=visitor, now=now)
