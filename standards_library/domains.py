"""Domains of the library (领域) and the service lines they belong to: one table for all features.

A domain without a line concerns every line (general management): staff certificates, complaints,
personal data. Source of the names: standards_library/data/2026.json; the mapping is the institute's.
"""

from dataclasses import dataclass

from standards_library.choices import ServiceLine


@dataclass(frozen=True, slots=True)
class Domain:
    key: str
    name: str
    lines: tuple[ServiceLine, ...]


DOMAINS: dict[str, Domain] = {
    d.key: d
    for d in (
        Domain("cleaning", "物业保洁", (ServiceLine.CLEANING,)),
        Domain("waste", "垃圾分类与清运", (ServiceLine.CLEANING,)),
        Domain("pest", "病媒生物防制", (ServiceLine.CLEANING,)),
        Domain("facade", "外墙清洗与高处作业", (ServiceLine.CLEANING, ServiceLine.REPAIR)),
        Domain("classroom", "会议与教室服务", (ServiceLine.CLEANING,)),
        Domain("dorm", "学生公寓", (ServiceLine.DORMITORY,)),
        Domain("canteen", "食堂与食品安全", (ServiceLine.CANTEEN,)),
        Domain("security", "校园安保", (ServiceLine.SECURITY,)),
        Domain("emergency", "应急与值班", (ServiceLine.SECURITY,)),
        Domain("vehicle", "校车与车辆", (ServiceLine.SECURITY,)),
        Domain("fire", "消防", (ServiceLine.FIRE,)),
        Domain("special", "电梯与特种设备", (ServiceLine.EQUIPMENT,)),
        Domain("power", "供配电与照明", (ServiceLine.EQUIPMENT,)),
        Domain("water", "供水与二次供水、饮用水", (ServiceLine.EQUIPMENT,)),
        Domain("hvac", "空调通风", (ServiceLine.EQUIPMENT,)),
        Domain("energy", "能源与节能", (ServiceLine.EQUIPMENT,)),
        Domain("repair", "维修服务", (ServiceLine.REPAIR,)),
        Domain("greening", "绿化", (ServiceLine.GREENING,)),
        Domain("personnel", "人员持证与用工", ()),
        Domain("complaint", "投诉与满意度", ()),
        Domain("privacy", "个人信息与人脸考勤", ()),
    )
}
KEY_OF_NAME: dict[str, str] = {d.name: d.key for d in DOMAINS.values()}
GENERAL: tuple[str, ...] = tuple(d.key for d in DOMAINS.values() if not d.lines)


def domains_of_line(line: str) -> tuple[str, ...]:
    """Keys of the domains that belong to a service line; general ones not included."""
    return tuple(d.key for d in DOMAINS.values() if line in d.lines)


def lines_of_domains(keys: list[str]) -> list[str]:
    """Service lines of these domains, in the order of ServiceLine."""
    wanted = {line for key in keys for line in DOMAINS[key].lines}
    return [line.value for line in ServiceLine if line in wanted]
