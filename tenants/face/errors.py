"""Why the face service says no. Each sentence names the way that works instead."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kernel.errors import Conflict, DomainError, Invalid


class ServiceOff(DomainError):
    code = "face_service_off"
    message = _("本校没有开启人脸服务。打卡请用“扫码＋拍照＋定位”或由主管确认，效力相同。")


class NoConsent(DomainError):
    code = "face_no_consent"
    message = _("本人还没有同意使用人脸，不能录入。请先由本人在手机“人脸”页阅读告知书并作出选择。")


class TextChanged(Conflict):
    code = "face_text_changed"
    message = _("告知书已更新，请重新打开页面，阅读新版后再选择。")


class GuardianNeeded(DomainError):
    code = "face_guardian_needed"
    message = _("不满十四周岁须由父母或其他监护人书面同意，请到学校管理员处办理。不使用人脸也可以正常打卡。")


class AgeNotRecorded(Invalid):
    code = "face_age_not_recorded"
    message = _(
        "系统里没有这位员工的身份证号。请核对证件后勾选“本人已满十四周岁”；不满十四周岁的，请登记监护人的同意。"
    )


class AgeUnknown(Invalid):
    code = "face_age_unknown"
    message = _("请勾选“我已满十四周岁”。不满十四周岁须由监护人到学校管理员处书面同意。")


class NotWorking(DomainError):
    code = "face_staff_left"
    message = _("该员工已离职，不能再使用人脸服务。")


class AssessmentMissing(Invalid):
    code = "face_assessment_missing"
    message = _("开启前须完成个人信息保护影响评估，请填写完成日期。")


class PictureUnreadable(Invalid):
    code = "face_picture_unreadable"
    message = _("照片无法读取（支持 JPG、PNG、WebP，不超过 12 MB），请重新拍一张。")


class NothingStored(DomainError):
    code = "face_nothing_stored"
    message = _("没有存储这位员工的人脸特征，不用删除。")


class NoPhotos(Invalid):
    code = "face_no_photos"
    message = _("压缩包里没有照片。请把照片以工号命名（如 G001.jpg），放进一个 zip 文件后上传。")


class TooManyPhotos(Invalid):
    code = "face_too_many_photos"
    message = _("一次最多录入 2,000 张照片，请分成几个压缩包上传。")


class ArchiveUnreadable(Invalid):
    code = "face_archive_unreadable"
    message = _("压缩包无法读取（支持 zip，不超过 300 MB，不能加密），请重新打包后上传。")
