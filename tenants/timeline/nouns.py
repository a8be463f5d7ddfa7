"""What events are about: the noun that a verb begins with ("finding" of "finding.closed"), in groups as people choose them.

A test reads every verb that the operations record; a noun that is missing here fails it.
"""

GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "过程监管",
        (
            ("finding", "问题整改"),
            ("finding_rule", "整改规则"),
            ("inspection", "巡查检查"),
            ("programme", "抽检计划"),
            ("calibration", "判分校准"),
            ("checklist", "检查表"),
        ),
    ),
    (
        "排班考勤",
        (
            ("roster", "排班"),
            ("shift", "班次"),
            ("pattern", "循环排班"),
            ("rule", "考勤规则"),
            ("swap", "换班与替班"),
            ("leave", "请假"),
            ("punch", "打卡"),
            ("punches", "打卡导入"),
            ("correction", "补卡"),
            ("month", "月度确认"),
            ("results", "考勤结果"),
            ("suspect", "误伤线索"),
            ("fence", "打卡范围"),
            ("device", "考勤设备"),
            ("face", "人脸"),
            ("calendar", "校历"),
        ),
    ),
    ("值班巡更", (("duty", "值班"), ("patrol", "巡更"), ("patrol_route", "巡更路线"), ("patrol_rule", "巡更规则"))),
    ("标准与考核", (("rubric", "评分标准"), ("round", "考核评分"))),
    (
        "组织与场所",
        (
            ("place", "场所"),
            ("places", "场所导入"),
            ("party", "责任单位"),
            ("contract", "合同"),
            ("department", "部门"),
            ("line", "服务条线"),
            ("post", "岗位"),
            ("staff", "人员"),
            ("certificate", "证书"),
            ("certificates", "证书导入"),
        ),
    ),
    (
        "账号与授权",
        (
            ("member", "成员"),
            ("token", "接口令牌"),
            ("grant", "授权研究院"),
        ),
    ),
)
NAMES: dict[str, str] = {noun: name for _group, nouns in GROUPS for noun, name in nouns}


def noun_of(verb: str) -> str:
    """The noun that a verb is about."""
    return verb.partition(".")[0]
