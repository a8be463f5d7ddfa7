"""What a person is asked to show on the picture, or to say: drawn when the call is opened, bound to it, soon worthless."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

LIVES = timedelta(minutes=2)  # then another one is drawn
UPLOAD_CREDIT = timedelta(seconds=30)  # how much of a slow upload may be taken off the time of an answer

HANDS = ("左手", "右手")
FINGERS = (" 1 根手指", " 2 根手指", " 3 根手指", " 4 根手指", "手掌")
SPOTS = ("举过头顶", "放在耳边", "放在胸前", "指向身后的岗位", "放在肩上")
WORDS = (
    "梧桐", "长江", "白云", "春风", "灯塔", "石桥", "金桂", "竹林", "晴天", "雪山", "海岸", "麦田", "星河", "书院", "操场",
    "荷塘", "松树", "彩虹", "清泉", "古城", "红枫", "银杏", "晨光", "远山", "渡口", "草原",
)  # fmt: skip


def phrase() -> str:
    """Four digits and a word to be said or held up, for whoever cannot make the gesture: one of 260,000."""
    return f"{' '.join(secrets.choice('0123456789') for _ in range(4))} {secrets.choice(WORDS)}"


def draw() -> str:
    """A gesture out of fifty, from the system's randomness."""
    return f"{secrets.choice(HANDS)}伸出{secrets.choice(FINGERS)}，{secrets.choice(SPOTS)}"


def nonce() -> str:
    """Ties an answer to the challenge that was shown."""
    return secrets.token_urlsafe(18)


def answered_at(*, received: datetime, challenged: datetime, elapsed_seconds: float | None) -> datetime:
    """The moment of an answer by the server's clock alone.

    It is when the answer arrived, or a little earlier when the phone says how long after the challenge it was given
    (its stopwatch, not its clock) and the upload was slow: at most UPLOAD_CREDIT earlier, never before the challenge.
    """
    if elapsed_seconds is None or not 0 <= elapsed_seconds < 86_400:
        return received
    said = challenged + timedelta(seconds=elapsed_seconds)
    return min(received, max(said, received - UPLOAD_CREDIT, challenged))
