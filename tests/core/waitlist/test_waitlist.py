"""The line for a full day: first come first served, one offer a unit, one unit a person."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from core.booking.cancel import cancel_by_customer
from core.booking.lifecycle import State
from core.booking.usecases import withdraw
from core.catalog import calendar
from core.catalog.model import Listing, ListingDay
from core.clock import ManualClock
from core.db.tx import Database
from core.errors import IllegalMove, NafasiError, NotFound
from core.limits import WAIT_OFFER_SECONDS, WAITS_PER_CUSTOMER_MAX
from core.money import kes
from core.people.model import Purpose
from core.people.usecases import Said, opt_out
from core.waitlist.lifecycle import WaitState
from core.waitlist.queries import open_waits, place_in_line
from core.waitlist.usecases import Answer, leave_all_lines, leave_line
from tests.core.waitlist.line import AMINA, BRIAN, CAROL, Line


@pytest.fixture
def line(database: Database, clock: ManualClock) -> Line:
    return Line.full(database, clock)


def free(line: Line) -> None:
    booking = line.first
    line.run(lambda tx: cancel_by_customer(tx, booking.id, booking.customer_id))


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(NafasiError) as error:
        act()
    return error.value.code


def state(line: Line, wait_id: UUID) -> WaitState:
    return line.wait(wait_id).state


def test_the_first_in_line_is_offered_what_became_free_and_books_it(line: Line) -> None:
    first, second = line.join(AMINA), line.join(BRIAN)
    assert line.offer() == [], "nothing is free"

    free(line)

    assert line.offer() == [first]
    assert line.offer() == [], "one unit, one offer"
    told = line.notice("wait_offered")
    assert (told["total_cents"], told["number"]) == (kes(66_700).cents, line.listing.number)
    taken = line.yes(first)
    assert taken.answer is Answer.BOOKED
    assert taken.booking is not None
    assert taken.booking.state is State.AWAITING_PAYMENT
    assert line.booked(taken.booking) == 1
    assert [state(line, each) for each in (first, second)] == [WaitState.TAKEN, WaitState.WAITING]
    line.assert_sound()


def test_an_offer_that_is_not_answered_goes_to_the_next(line: Line) -> None:
    first, second = line.join(AMINA), line.join(BRIAN)
    free(line)
    line.offer()
    line.clock.advance(seconds=WAIT_OFFER_SECONDS - 1)
    assert (line.lapse(), line.offer()) == ([], [])

    line.clock.advance(seconds=1)

    assert refused(lambda: line.yes(first)) == "offer_over", "before and after the timer"
    assert line.lapse() == [WaitState.LAPSED]
    assert refused(lambda: line.yes(first)) == "offer_over"
    assert line.offer() == [second]
    assert refused(lambda: line.yes(second, AMINA)) == "no_wait", "it is not hers"


@pytest.mark.parametrize("how", ["hold", "withdrawn", "opened", "units"])
def test_whatever_frees_a_unit_reaches_the_line(
    database: Database, clock: ManualClock, how: str
) -> None:
    line = Line.open(database, clock, booking_mode="instant")
    day = line.wish().starts_on
    if how in {"hold", "withdrawn"}:
        held = line.hold()
    elif how == "opened":
        vendor = line.vendor.id
        line.run(lambda tx: calendar.block(tx, line.listing.id, [day], vendor_id=vendor))
    else:
        line.confirmed()
    waits = line.join(AMINA)
    assert line.offer() == []

    if how == "hold":
        line.clock.set(line.due(held))
        assert line.fire() == [State.EXPIRED]
    elif how == "withdrawn":
        line.run(lambda tx: withdraw(tx, held.id, held.customer_id))
    elif how == "opened":
        line.run(lambda tx: calendar.free(tx, line.listing.id, [day], vendor_id=vendor))
    else:
        line.change_listing(units=2)
        line.run(lambda tx: tx.db.query(ListingDay).update({"units": 2}))

    assert line.offer() == [waits]


def test_as_many_are_offered_as_there_are_units(database: Database, clock: ManualClock) -> None:
    """Two rooms are free; two are wanted by the first, then one each."""
    line = Line.open(
        database, clock, booking_mode="instant", category="stay", price_unit="night", units=3,
        capacity=2,
    )  # fmt: skip
    line.confirmed(people=6)
    two_rooms = line.join(AMINA, people=4)
    one, other = line.join(BRIAN, people=1), line.join(CAROL, people=2)
    day = line.wish().starts_on
    line.run(lambda tx: calendar.release(tx, line.listing.id, day, day + timedelta(days=1), 1))
    assert line.offer() == [one], "who needs less is not kept waiting"

    line.run(lambda tx: calendar.release(tx, line.listing.id, day, day + timedelta(days=1), 2))
    assert line.offer() == [two_rooms], "three are free, one of them is offered"
    assert line.offer() == []
    line.run(lambda tx: leave_line(tx, two_rooms, AMINA))
    assert line.offer() == [other]


def test_somebody_outside_the_line_may_be_faster_and_nobody_gets_it_twice(line: Line) -> None:
    first = line.join(AMINA)
    free(line)
    line.offer()
    taken = line.hold(CAROL)

    assert line.yes(first).answer is Answer.MISSED

    assert state(line, first) is WaitState.WAITING
    assert line.offer() == []
    line.run(lambda tx: withdraw(tx, taken.id, taken.customer_id))
    assert line.offer() == [first], "the place was kept"
    line.assert_sound()


def test_a_price_that_has_changed_is_told_before_it_is_booked(line: Line) -> None:
    first = line.join(AMINA)
    free(line)
    line.offer()
    line.change_listing(price_cents=kes(60_000).cents)

    dearer = line.yes(first)
    assert (dearer.answer, dearer.booking) == (Answer.DEARER, None)
    assert dearer.wait.total_cents == kes(80_040).cents

    booked = line.yes(first).booking
    assert booked is not None
    assert booked.total_cents == kes(80_040).cents


@pytest.mark.parametrize("why", ["booked", "opted_out"])
def test_who_needs_it_no_more_is_passed_over(line: Line, why: str) -> None:
    first, second = line.join(AMINA), line.join(BRIAN)
    if why == "booked":
        other = line.another_listing(title="Another hall")
        line.book(AMINA, other)
    else:
        line.run(lambda tx: opt_out(tx, AMINA, Purpose.OFFERS, Said("sms")))

    free(line)

    assert line.offer() == [second]
    assert state(line, first) is WaitState.LEFT


def test_one_word_leaves_every_line(line: Line) -> None:
    first = line.join(AMINA)
    line.run(lambda tx: leave_all_lines(tx, AMINA))
    assert state(line, first) is WaitState.LEFT
    with pytest.raises(IllegalMove):
        line.run(lambda tx: leave_line(tx, first, AMINA))
    with pytest.raises(NotFound):
        line.run(lambda tx: leave_line(tx, first, BRIAN))


def test_a_place_is_had_once_and_kept(line: Line) -> None:
    first = line.join(AMINA)
    line.join(BRIAN)
    assert line.join(AMINA) == first
    (view,) = line.run(lambda tx: open_waits(tx, BRIAN))
    assert line.run(lambda tx: place_in_line(tx, view.wait)) == 2


def test_a_free_day_has_no_line_and_nobody_waits_for_everything(line: Line) -> None:
    assert refused(lambda: line.join(AMINA, in_days=11)) == "free_now"
    days = [line.wish(in_days=12 + i).starts_on for i in range(WAITS_PER_CUSTOMER_MAX)]
    vendor = line.vendor.id
    line.run(lambda tx: calendar.block(tx, line.listing.id, days, vendor_id=vendor))
    for i in range(WAITS_PER_CUSTOMER_MAX):
        line.join(AMINA, in_days=12 + i)
    assert refused(lambda: line.join(AMINA)) == "too_many_waits"


def test_waiting_ends_when_it_can_no_longer_be_booked(line: Line) -> None:
    first = line.join(AMINA)
    listing = line.run(lambda tx: tx.db.get_one(Listing, line.listing.id))
    starts_at = line.first.starts_at
    assert line.wait(first).due_at == starts_at - timedelta(hours=listing.lead_hours)
    line.clock.set(starts_at - timedelta(hours=listing.lead_hours))

    assert line.lapse() == [WaitState.LAPSED]
