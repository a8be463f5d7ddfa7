"""What a fresh installation scores by; the institute changes it in its console, edition by edition."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class CriterionText:
    """One criterion as it is entered: weights of all add up to 100."""

    code: str
    label: str
    weight: Decimal
    guidance: str = ""


SEED: Final = (
    CriterionText("need", "监管需求与申报动因", Decimal(20), "问题描述具体，目标可检验，不是泛泛表态。"),
    CriterionText(
        "basis", "后勤服务管理基础", Decimal(25), "机构、制度、岗位和合同（或自管机制）清楚，有现行考核办法。"
    ),
    CriterionText(
        "data", "数据与信息化条件", Decimal(15), "场所、人员、合同等基础数据可提供，具备使用终端与网络的条件。"
    ),
    CriterionText("people", "组织保障与投入", Decimal(20), "分管领导牵头，监管人员落实，进度安排可行。"),
    CriterionText(
        "value", "示范与共享意愿", Decimal(20), "愿意参与对标、试点新标准并分享做法；不同类型学校按各自条件评价。"
    ),
)
