"""Why a rubric refuses."""

from __future__ import annotations

from kernel.errors import DomainError


class Unbalanced(DomainError):
    code = "unbalanced_weights"
    message = "分值没有配平：%(sentences)s。"


class TitleTaken(DomainError):
    code = "title_taken"
    message = "已有一份名为“%(title)s”的评分标准，请直接修改那一份，或换一个名称。"


class WrongState(DomainError):
    code = "wrong_state"
    message = "这份评分标准现在是“%(status)s”，不能这样操作。"


class UnknownRequirement(DomainError):
    code = "unknown_requirement"
    message = "标准库里没有这些条款：%(keys)s。请重新选择依据。"


class UnknownPhoto(DomainError):
    code = "unknown_photo"
    message = "示例照片不存在或不属于本校，请重新上传。"


class UnknownChange(DomainError):
    code = "unknown_change"
    message = "这些变化已经处理过，或不在新版里：%(ids)s。请刷新后再选。"


class SectionStillUsed(DomainError):
    code = "section_still_used"
    message = "维度“%(title)s”里还有检查内容，请同时采用其中各项的取消，或保留这个维度。"


class SectionMissing(DomainError):
    code = "section_missing"
    message = "“%(item)s”属于新的维度“%(section)s”，请同时采用这个维度。"
