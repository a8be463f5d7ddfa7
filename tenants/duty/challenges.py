"""What a person is asked to show on the picture: drawn when the call is opened, bound to it, soon worthless."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

LIVES = timedelta(minutes=2)  # then another one is drawn
UPLOAD_CREDIT = timedelta(seconds=30)  # how much of a slow upload may be taken off the time of an answer

HANDS = ("左手", "右手")
FINGERS = ("1 根手指", "2 根手指", "3 根手指", "4 根手指", "手掌")
SPOTS = ("举过头顶", "放在耳边", "放在胸前", "指向身后的岗位", "放在肩上")


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
