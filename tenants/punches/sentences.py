"""What a person is told about a punch: why it did not count, and what to do next. Pure."""

from __future__ import annotations

from datetime import timedelta

from tenants.punches import clocks
from tenants.punches.choices import PunchSource, PunchStatus, Refusal
from tenants.punches.fences import EDGE_M, USABLE_M
from tenants.punches.grading import way_out
from tenants.punches.models import Punch


def span(seconds: float) -> str:
    """45 秒, 12 分钟, 3 小时, 2 天."""
    if seconds < 90:
        return f"{max(1, round(seconds))} 秒"
    if seconds < 5400:
        return f"{round(seconds / 60)} 分钟"
    return f"{round(seconds / 3600)} 小时" if seconds < 129_600 else f"{round(seconds / 86_400)} 天"


def why(row: Punch) -> str:
    """One sentence why it did not count; "" for a punch that counts or waits."""
    match row.refusal:
        case Refusal.OUTSIDE:
            error = f"（定位误差 {row.accuracy_m:.0f} 米）" if row.accuracy_m is not None else ""
            return f"定位在岗位范围外 {row.outside_m or 0:.0f} 米{error}。"
        case Refusal.STALE_FIX:
            return f"定位是 {span(row.fix_age_s or 0)}前取得的，不能说明您现在在这里。"
        case Refusal.FACE_MISMATCH:
            return "人脸核验没有通过。"
        case Refusal.NOT_LIVE:
            return "没有通过活体核验。"
        case Refusal.TOO_WEAK:
            unfenced = row.latitude is not None and row.outside_m is None
            more = "这个岗位还没有画打卡范围，定位暂不能作为佐证。" if unfenced else _imprecise(row)
            noted = row.note if row.note.startswith(("照片不是", "这张照片", "考勤机")) else ""
            return f"佐证只到 {row.grade} 级，这个岗位要求 {row.asked} 级。{more}{noted}"
        case Refusal.WRONG_PLACE:
            return row.note or "扫的不是本岗位的码。"
        case Refusal.CLOCK if unchecked(row):
            return f"时间未核对：手机没有服务器时间，{span((row.received_at - row.at).total_seconds())}后才上传，佐证不能说明那时在岗，只到 {row.grade} 级，这个岗位要求 {row.asked} 级。"
        case Refusal.CLOCK:
            return "手机或设备的时间无法确认，不知道这张卡是什么时候打的。"
        case Refusal.LEFT:
            return "员工名单中您已离职。"
    return ""


def _imprecise(row: Punch) -> str:
    """Why a position that reproaches nobody proved nothing."""
    if row.outside_m is None or row.refusal == Refusal.STALE_FIX:
        return ""
    if row.accuracy_m is None:
        return "手机没有给出定位误差，定位暂不能作为佐证。"
    if row.accuracy_m > (EDGE_M if row.outside_m else USABLE_M):
        return f"定位误差 {row.accuracy_m:.0f} 米，不能证明您在范围内。"
    return ""


def next_step(row: Punch) -> str:
    """What to do now: every refusal has a way on that needs no face."""
    match row.refusal:
        case Refusal.OUTSIDE:
            return "请走到范围内再打一次；人在岗上却定不准，请主管见证，或点“申诉”。"
        case Refusal.STALE_FIX:
            return "请打开定位重新取一次；取不到，可以扫岗位码并拍照，或请主管见证。"
        case Refusal.FACE_MISMATCH | Refusal.NOT_LIVE:
            return "可以再试一次，或改用“扫码 + 拍照 + 定位”，或请主管见证，效力相同。"
        case Refusal.TOO_WEAK:
            return f"请再打一次，带上：{way_out(row.asked)}。"
        case Refusal.WRONG_PLACE:
            return "请扫本班次地点的码；临时换了地方，请主管见证，或点“申诉”。"
        case Refusal.CLOCK if unchecked(row):
            return "请点“申诉”说明当时的情况，主管确认后按要求的等级计入。以后先联网打开一次打卡页，断网、重启也能核对时间。"
        case Refusal.CLOCK:
            return "请联网打开打卡页后再打一次（时间会自动校准），之前的这一次可以申诉。"
        case Refusal.LEFT:
            return "如果有误，请联系学校管理员更正员工状态。"
    return ""


def spoken(row: Punch) -> str:
    """What the phone says aloud."""
    if row.status == PunchStatus.ACCEPTED:
        return "打卡成功"
    return "已收到，正在核验" if row.status == PunchStatus.PENDING else f"打卡未通过。{why(row)}"


def unchecked(row: Punch) -> bool:
    """Whether only the phone says when it was."""
    phone = row.source in (PunchSource.PHONE, PunchSource.VOUCHER)
    return phone and clocks.unchecked(row.clock, row.at, row.received_at)


def arrived(row: Punch) -> str:
    """ "2 天后补传" for a punch that arrived late, else ""; with "（时间未核对）" where only the phone says when it was."""
    gap: timedelta = row.received_at - row.at
    loose = unchecked(row)
    return (
        f"{span(gap.total_seconds())}后补传{'（时间未核对）' if loose else ''}" if loose or gap >= clocks.LATE else ""
    )
