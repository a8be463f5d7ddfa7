"""Pure rules: drawn times, outcomes, the chain, challenges, webhooks."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from kernel.clock import SHANGHAI
from tenants.duty import chain, challenges, webhooks
from tenants.duty.challenges import UPLOAD_CREDIT
from tenants.duty.choices import FaceState, Outcome
from tenants.duty.outcomes import Answer, Past, off_post_by, outcome_of, persons_needed
from tenants.duty.schedule import MOST_MORE, REST, cut, in_night, minutes_to_spans, rest_of, slots

POST = UUID("01890000-0000-7000-8000-000000000001")
DAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def draw_with(key: str):  # type: ignore[no-untyped-def]
    return lambda text: hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


# --- drawn times ---


def test_times_lie_in_the_allowed_time_and_are_the_same_for_whoever_holds_the_key() -> None:
    allowed = cut(minutes_to_spans(DAY, SHANGHAI, [[480, 720]]), minutes_to_spans(DAY, SHANGHAI, [[540, 600]]))
    one = slots(draw=draw_with("a"), post_id=POST, day=DAY, budget=12, allowed=allowed)
    assert one == slots(draw=draw_with("a"), post_id=POST, day=DAY, budget=12, allowed=allowed)
    assert 11 <= len(one) <= 11 + MOST_MORE
    assert all(any(start <= slot.at < end for start, end in allowed) for slot in one)


def test_another_key_post_or_day_gives_other_times() -> None:
    allowed = minutes_to_spans(DAY, SHANGHAI, [[0, 1440]])
    ask = {"draw": draw_with("a"), "post_id": POST, "day": DAY, "budget": 3, "allowed": allowed}
    known = slots(**ask)  # type: ignore[arg-type]
    for other in ({"draw": draw_with("b")}, {"post_id": UUID(int=7)}, {"day": DAY + timedelta(days=1)}):
        assert slots(**{**ask, **other}) != known  # type: ignore[arg-type]


def test_times_are_spread_evenly() -> None:
    allowed = minutes_to_spans(DAY, SHANGHAI, [[0, 1440]])
    hours = [0] * 24
    for n in range(400):
        for slot in slots(draw=draw_with("k"), post_id=UUID(int=n), day=DAY, budget=6, allowed=allowed):
            hours[slot.at.astimezone(SHANGHAI).hour] += 1
    assert min(hours) > 60 and max(hours) < 145  # 100 each if even


def test_no_allowed_time_no_calls() -> None:
    assert slots(draw=draw_with("a"), post_id=POST, day=DAY, budget=3, allowed=[]) == []


def test_the_rest_after_an_answer_is_never_shorter_than_half_an_hour_nor_always_the_same() -> None:
    rests = {rest_of(draw=draw_with("a"), post_id=POST, day=DAY, number=n) for n in range(12)}
    assert min(rests) >= REST
    assert len(rests) > 8


def test_night_runs_over_midnight() -> None:
    def at(hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 11, 25, hour, minute, tzinfo=SHANGHAI)

    night = {"night_from": 1380, "night_until": 360, "tz": SHANGHAI}
    assert in_night(at(23), **night) and in_night(at(5, 59), **night)  # type: ignore[arg-type]
    assert not in_night(at(6), **night) and not in_night(at(22, 59), **night)  # type: ignore[arg-type]


def test_spans_are_cut_and_merged() -> None:
    def span(a: int, b: int) -> tuple[datetime, datetime]:
        return NOON + timedelta(minutes=a), NOON + timedelta(minutes=b)

    assert cut([span(0, 10), span(5, 20), span(30, 40)], [span(8, 9), span(35, 50)]) == [
        span(0, 8), span(9, 20), span(30, 35),
    ]  # fmt: skip


# --- outcomes ---

DEADLINE = NOON + timedelta(minutes=5)


def answer(minute: float, **facts: object) -> Answer:
    given = {"on_duty": True, "place_ok": True, "face": FaceState.NONE, "late": minute >= 5, **facts}
    return Answer(at=NOON + timedelta(minutes=minute), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "needed", "minute", "outcome"),
    [
        ([], 1, 4.9, Outcome.NONE),
        ([], 1, 5.4, Outcome.NONE),  # an answer given in time may still be on its way up
        ([], 1, 5.5, Outcome.TIMEOUT),
        ([answer(4.999)], 1, 4.999, Outcome.ON_POST),
        ([answer(5)], 1, 5.2, Outcome.NONE),
        ([answer(5)], 1, 5.5, Outcome.LATE),  # half-open: at the deadline is late
        ([answer(90)], 1, 90, Outcome.LATE),  # slow is never more than 迟应答
        ([answer(1)], 2, 4, Outcome.NONE),
        ([answer(1)], 2, 5.5, Outcome.TIMEOUT),  # both or none
        ([answer(1), answer(3)], 2, 3, Outcome.ON_POST),
        ([answer(1), answer(7)], 2, 7, Outcome.LATE),
        ([answer(1, place_ok=False)], 1, 2, Outcome.NONE),
        ([answer(1, place_ok=False)], 1, 5.5, Outcome.WRONG_PLACE),
        ([answer(1, place_ok=False), answer(2)], 1, 2, Outcome.ON_POST),
        ([answer(1, on_duty=False)], 1, 5.5, Outcome.OTHER),
        ([answer(1, face=FaceState.OTHER)], 1, 5.5, Outcome.OTHER),
        ([answer(1, face=FaceState.UNSURE)], 1, 5, Outcome.ON_POST),  # doubt is no proof
        ([answer(2, face=FaceState.UNSURE, doubted=True)], 1, 5.5, Outcome.OTHER),  # but no way round a mismatch
        ([answer(2, face=FaceState.MATCH, doubted=True)], 1, 3, Outcome.ON_POST),
        ([answer(1, late=True)], 1, 2, Outcome.NONE),  # a worthless proof may be bettered while there is time
        ([answer(1, late=True), answer(3)], 1, 3, Outcome.ON_POST),
    ],
)
def test_outcomes(answers: list[Answer], needed: int, minute: float, outcome: Outcome) -> None:
    now = NOON + timedelta(minutes=minute)
    assert outcome_of(answers, needed=needed, closes=DEADLINE + UPLOAD_CREDIT, now=now)[0] == outcome


A, B = UUID(int=1), UUID(int=2)


def past(outcome: Outcome, *missed: UUID | None, excused: bool = False, off_post: bool = False) -> Past:
    return Past(outcome, excused, off_post, frozenset(missed or (A,)))


UNREACHED = Past(Outcome.TIMEOUT, False, False, frozenset())


@pytest.mark.parametrize(
    ("rows", "after", "expected"),
    [
        ([past(Outcome.TIMEOUT)], 1, True),
        ([past(Outcome.TIMEOUT)], 2, False),
        ([past(Outcome.TIMEOUT), past(Outcome.OTHER)], 2, True),
        ([past(Outcome.TIMEOUT), past(Outcome.LATE), past(Outcome.TIMEOUT)], 2, False),
        ([past(Outcome.TIMEOUT), past(Outcome.TIMEOUT, excused=True), past(Outcome.TIMEOUT)], 2, True),
        ([past(Outcome.TIMEOUT, excused=True), past(Outcome.TIMEOUT)], 1, False),
        ([past(Outcome.TIMEOUT), past(Outcome.TIMEOUT, off_post=True), past(Outcome.TIMEOUT)], 2, False),
        ([past(Outcome.ON_POST)], 1, False),
        ([past(Outcome.TIMEOUT, A), past(Outcome.TIMEOUT, B)], 2, False),  # nobody answers for another's miss
        ([past(Outcome.TIMEOUT, None), past(Outcome.TIMEOUT, A)], 2, False),
        ([past(Outcome.TIMEOUT, A), UNREACHED, past(Outcome.TIMEOUT, A)], 2, True),  # neither counts nor breaks
        ([UNREACHED], 1, False),
    ],
)
def test_unanswered_in_a_row(rows: list[Past], after: int, expected: bool) -> None:
    assert bool(off_post_by(rows, after=after)) is expected


def test_who_is_named_missed_every_call_of_the_row() -> None:
    rows = [past(Outcome.TIMEOUT, A, B), past(Outcome.TIMEOUT, B)]
    assert off_post_by(rows, after=2) == {B}


@pytest.mark.parametrize(
    ("rule", "present", "away", "needed"),
    [(2, 2, 0, 2), (2, 1, 0, 2), (2, 1, 1, 1), (2, 2, 1, 2), (2, 0, 2, 2), (1, 1, 1, 1)],
)
def test_how_many_must_answer(rule: int, present: int, away: int, needed: int) -> None:
    assert persons_needed(rule=rule, present=present, away=away) == needed


# --- challenges ---


def test_the_time_of_an_answer_is_the_servers() -> None:
    received = NOON + timedelta(seconds=60)
    ask = {"received": received, "challenged": NOON}
    assert challenges.answered_at(**ask, elapsed_seconds=None) == received
    assert challenges.answered_at(**ask, elapsed_seconds=45) == NOON + timedelta(seconds=45)
    assert challenges.answered_at(**ask, elapsed_seconds=0) == received - challenges.UPLOAD_CREDIT  # no more than that
    assert challenges.answered_at(**ask, elapsed_seconds=86_399) == received  # a stopwatch ahead gains nothing
    assert challenges.answered_at(**ask, elapsed_seconds=-5) == received


def test_gestures_and_nonces_differ() -> None:
    assert len({challenges.draw() for _ in range(200)}) > 25
    said = [challenges.phrase() for _ in range(200)]
    assert len(set(said)) > 190 and all(re.fullmatch(r"(\d ){4}[\u4e00-\u9fff]{2}", each) for each in said)
    assert len({challenges.nonce() for _ in range(200)}) == 200


# --- the chain ---


def line(seq: int, text: str = "正常") -> chain.Line:
    return chain.Line(seq, NOON + timedelta(minutes=seq), "note", text, POST, None, None, None, "李保安")


def sealed(number: int, lines: list[chain.Line], previous: str) -> chain.Sealed:
    body = chain.body_of(lines)
    return chain.Sealed(number, lines[0].seq, lines[-1].seq, body, previous, chain.digest_of(previous, body))


def whole(seals: list[chain.Sealed], lines: dict[int, chain.Line], anchor: str | None = None) -> chain.Fault | None:
    """The check, with the anchor kept elsewhere (by default the digest of the last seal there is)."""
    return chain.check(seals, lines, kept=chain.Kept(anchor=seals[-1].digest if anchor is None else anchor))


@pytest.fixture
def book() -> tuple[list[chain.Sealed], dict[int, chain.Line]]:
    lines = {n: line(n) for n in range(1, 8)}
    first = sealed(1, [lines[1], lines[2], lines[3]], chain.GENESIS)
    second = sealed(2, [lines[4], lines[5]], first.digest)
    return [first, second, sealed(3, [lines[6], lines[7]], second.digest)], lines


Book = tuple[list[chain.Sealed], dict[int, chain.Line]]


def test_an_untouched_chain_is_whole(book: Book) -> None:
    seals, lines = book
    assert whole(seals, lines, anchor=seals[-1].digest) is None


def test_one_changed_byte_of_a_line_is_found_with_its_place(book: Book) -> None:
    seals, lines = book
    lines[5] = line(5, "正帹")
    fault = whole(seals, lines)
    assert fault is not None
    assert (fault.what, fault.number, fault.seq) == ("line", 2, 5)
    assert fault.byte is not None
    assert seals[1].body[: fault.byte] == chain.body_of([lines[4], lines[5]])[: fault.byte]
    assert seals[1].body[fault.byte] != chain.body_of([lines[4], lines[5]])[fault.byte]


@pytest.mark.parametrize("offset", [0, 40, 100])
def test_one_changed_byte_of_a_kept_seal_is_found(book: Book, offset: int) -> None:
    seals, lines = book
    body = bytearray(seals[0].body)
    body[offset] ^= 1
    seals[0] = replace(seals[0], body=bytes(body))
    fault = whole(seals, lines)
    assert fault is not None
    assert (fault.what, fault.number, fault.byte) == ("body", 1, offset)


def test_line_and_kept_bytes_changed_together_are_found_by_the_digest(book: Book) -> None:
    seals, lines = book
    lines[2] = line(2, "改")
    seals[0] = replace(seals[0], body=chain.body_of([lines[1], lines[2], lines[3]]))
    assert whole(seals, lines) == chain.Fault("body", 1)


def test_a_seal_made_anew_breaks_the_next_one_and_the_last_its_anchor(book: Book) -> None:
    seals, lines = book
    known = seals[-1].digest
    lines[2] = line(2, "改")
    seals[0] = sealed(1, [lines[1], lines[2], lines[3]], chain.GENESIS)
    assert whole(seals, lines) == chain.Fault("chain", 2)
    seals[1] = sealed(2, [lines[4], lines[5]], seals[0].digest)
    seals[2] = sealed(3, [lines[6], lines[7]], seals[1].digest)
    assert whole(seals, lines) is None
    assert whole(seals, lines, anchor=known) == chain.Fault("anchor", 3)


def test_a_line_or_a_seal_gone_is_found(book: Book) -> None:
    seals, lines = book
    del lines[6]
    assert whole(seals, lines) == chain.Fault("missing", 3, seq=6)
    assert whole([seals[0], seals[2]], lines) == chain.Fault("chain", 2)


# --- webhooks: the vector of the specification's own libraries ---

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = {"message_id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "body": b'{"test": 2432232314}'}
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SENT = datetime.fromtimestamp(1614265330, UTC)


def verify(**other: object) -> bool:
    given = {
        "secret": SECRET, **MESSAGE, "timestamp": "1614265330", "signatures": SIGNATURE, "now": SENT, **other,
    }  # fmt: skip
    return webhooks.verified(**given)  # type: ignore[arg-type]


def test_the_published_vector_is_signed_and_verified() -> None:
    assert webhooks.sign(secret=SECRET, timestamp=1614265330, **MESSAGE) == SIGNATURE  # type: ignore[arg-type]
    assert verify()
    assert verify(signatures=f"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,abc {SIGNATURE}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"body": b'{"test": 2432232315}'},
        {"message_id": "msg_other"},
        {"message_id": "a.b"},
        {"message_id": ""},
        {"timestamp": "1614265331"},
        {"timestamp": "16142653e2"},
        {"timestamp": "9" * 30},
        {"signatures": ""},
        {"signatures": "v1,"},
        {"signatures": SIGNATURE.replace("v1", "v1a")},
        {"secret": webhooks.new_secret()},
        {"secret": "whsec_%%%"},
        {"now": SENT + timedelta(minutes=5, seconds=1)},
        {"now": SENT - timedelta(minutes=5, seconds=1)},
    ],
)
def test_whatever_does_not_fit_is_refused(wrong: dict[str, object]) -> None:
    assert not verify(**wrong)
