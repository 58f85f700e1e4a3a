"""When timers run out: the limits of DESIGN §5 for every moment there is."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.booking import rules

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)

moments = st.integers(0, 400 * 24 * 3600).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
# A booking is made at least a day before it starts.
leads = st.integers(24 * 3600, 365 * 24 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@given(moments, leads)
def test_a_vendor_has_a_day_and_never_the_last_six_hours(now: datetime, lead: timedelta) -> None:
    due = rules.answer_due(now, now + lead)

    assert due <= now + DAY
    assert due <= now + lead - 6 * HOUR
    assert due in {now + DAY, now + lead - 6 * HOUR}
    assert due - now >= 18 * HOUR, "whoever asks a day ahead leaves time for an answer"


@given(moments, leads, st.floats(0, 1))
def test_whoever_is_accepted_has_time_to_pay(
    asked: datetime, lead: timedelta, when: float
) -> None:
    """Whenever in the vendor's time the answer comes."""
    starts = asked + lead
    accepted = asked + (rules.answer_due(asked, starts) - asked) * when
    due = rules.accepted_hold_due(accepted, starts)

    assert QUARTER <= due - accepted <= 12 * HOUR
    assert due <= max(starts - 6 * HOUR, accepted + QUARTER)
    assert due < starts


@given(made=moments, lead=leads, asked_first=st.booleans())
def test_a_stretched_hold_has_an_end_before_the_start(
    made: datetime, lead: timedelta, *, asked_first: bool
) -> None:
    starts = made + lead
    if asked_first:
        due = rules.accepted_hold_due(made, starts)
        limit = rules.hold_limit(made, made, starts)
    else:
        due = rules.instant_hold_due(made)
        limit = rules.hold_limit(made, None, starts)

    assert limit - due == QUARTER
    assert limit < starts


@given(moments)
def test_money_is_free_three_days_after_the_end(ends: datetime) -> None:
    assert rules.release_due(rules.complete_due(ends)) == ends + 3 * DAY
