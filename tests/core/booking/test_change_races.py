"""A change meets what else happens at that moment; each guard is taken away once to be seen."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.booking import cancel, changes, modify
from core.booking.lifecycle import ChangeState, State
from core.booking.model import Booking, BookingChange
from core.catalog import calendar
from core.db.tx import Tx
from core.errors import IllegalMove, NoUnits, Refused
from core.invariants.run import run_all
from core.limits import INSTANT_HOLD_SECONDS
from core.money import kes
from core.payments import collect, collections, settle
from core.ports.money import MoneyEvent, Outcome
from tests.core.booking.kitchen import MORE, plates
from tests.core.booking.overtake import behind
from tests.core.booking.world import PROVIDER, World
from tests.core.escrow.tools import run_sql
from tests.support.blind import without_looking
from tests.support.factories import OTHER_CUSTOMER, make_booking


def reads_only(tx: Tx, booking_id: UUID) -> Booking:
    """What ``lock_booking`` would be without its lock."""
    return tx.db.scalars(select(Booking).where(Booking.id == booking_id)).one()


def looks_only(tx: Tx, listing_id: UUID, days: Sequence[date]) -> list[calendar.Day]:
    """What the calendar's ``_locked`` would be without its lock."""
    return calendar.availability(tx, listing_id, days[0], days[-1] + timedelta(days=1))


def broken(world: World) -> set[str]:
    return {each.invariant for each in world.run(run_all)}


class Two:
    """What two people, or a person and time, do with one booking."""

    def __init__(self, world: World, booking: Booking) -> None:
        self.world, self.booking = world, booking

    def cancel(self, tx: Tx) -> Booking:
        return cancel.cancel_by_customer(tx, self.booking.id, self.booking.customer_id)

    def more(self, tx: Tx) -> ChangeState:
        """A dearer change of 100 people to 250."""
        return self._change(tx, 250)

    def fewer(self, tx: Tx) -> ChangeState:
        return self._change(tx, 60)

    def _change(self, tx: Tx, people: int) -> ChangeState:
        # Priced for what was seen before the other one began.
        wish = modify.wish_of(tx, self.booking, people=people)
        who = self.booking.customer_id
        return modify.request_change(tx, self.booking.id, who, wish).state

    def somebody_books(self, tx: Tx) -> Booking:
        return make_booking(tx, self.world.listing, OTHER_CUSTOMER, people=100)

    def lapse(self, tx: Tx) -> ChangeState | None:
        [due] = changes.due_changes(tx, 1)
        return changes.fire_change(tx, due)


@pytest.fixture
def two(kitchen: World) -> Two:
    return Two(kitchen, kitchen.confirmed(people=100))


def test_a_change_behind_a_cancellation_is_refused(kitchen: World, two: Two) -> None:
    result = behind(kitchen.database, two.cancel, two.more)

    assert isinstance(result, IllegalMove)
    assert plates(kitchen, 10) == 0
    kitchen.assert_sound()


def test_without_the_bookings_lock_a_change_stays_open_on_a_cancelled_booking(
    kitchen: World, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (modify, collections):
        monkeypatch.setattr(module, "lock_booking", reads_only)

    behind(kitchen.database, two.cancel, two.more)

    assert kitchen.state(two.booking) is State.CANCELLED
    assert plates(kitchen, 10) == 150, "held for nobody"
    assert "I11" in broken(kitchen), "the live checker says so"


def test_a_cancellation_behind_a_change_is_one_of_what_is_booked_now(
    kitchen: World, two: Two
) -> None:
    result = behind(kitchen.database, two.fewer, two.cancel)

    assert isinstance(result, Booking)
    assert plates(kitchen, 10) == 0
    back = sum((each.amount for each in kitchen.send_due()), start=kes(0))
    assert back == kes(53_360), "in two parts what one cancellation gives"
    kitchen.assert_sound()


def test_who_comes_behind_a_change_finds_what_it_left(kitchen: World, two: Two) -> None:
    result = behind(kitchen.database, two.more, two.somebody_books)

    assert isinstance(result, NoUnits)
    assert result.data["left"] == 50
    kitchen.assert_sound()


@pytest.mark.parametrize("checked", [True, False])
def test_without_the_days_lock_both_take_the_same_plates(
    kitchen: World, two: Two, monkeypatch: pytest.MonkeyPatch, *, checked: bool
) -> None:
    """Only the database refuses then, and without its CHECK nobody does."""
    monkeypatch.setattr(calendar, "lock_days", looks_only)
    if not checked:
        run_sql(
            kitchen.database, "ALTER TABLE listing_days DROP CONSTRAINT ck_listing_days_booked"
        )

    with without_looking(kitchen.database):
        result = behind(kitchen.database, two.more, two.somebody_books)

    assert isinstance(result, IntegrityError if checked else Booking)
    assert ("I7" in broken(kitchen)) is not checked


def test_of_two_changes_the_second_is_told_that_one_waits(kitchen: World, two: Two) -> None:
    result = behind(kitchen.database, two.more, two.fewer)

    assert isinstance(result, Refused)
    assert result.code == "change_open"
    kitchen.assert_sound()


def test_without_the_bookings_lock_only_the_database_sees_the_second(
    kitchen: World, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modify, "lock_booking", reads_only)

    result = behind(kitchen.database, two.more, two.more)

    assert isinstance(result, IntegrityError)
    assert "uq_booking_changes_open" in str(result)


def late(two: Two) -> MoneyEvent:
    """The hold of a change has run out, and at that moment its money comes."""
    world = two.world
    world.change(two.booking, in_days=20, people=150)
    prompt = world.send_prompt()
    world.failed(prompt)
    world.clock.advance(seconds=INSTANT_HOLD_SECONDS)
    return MoneyEvent(PROVIDER, Outcome.SUCCEEDED, attempt_id=prompt.id, receipt=MORE)


def test_money_behind_the_lapse_of_its_change_goes_back(kitchen: World, two: Two) -> None:
    event = late(two)

    assert behind(kitchen.database, two.lapse, lambda tx: settle.apply(tx, event)) is None

    assert kitchen.read(two.booking).people == 100
    assert [each.amount for each in kitchen.send_due()] == [kes(33_350)]
    kitchen.assert_sound()


def test_without_a_look_whether_the_change_still_waits_its_table_refuses_the_money(
    kitchen: World, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The money would stand in no book until a person looks."""
    event = late(two)
    change = kitchen.change_of(two.booking)
    monkeypatch.setattr(
        collect, "unpaid_change", lambda tx, *_: tx.db.get_one(BookingChange, change.id)
    )

    result = behind(kitchen.database, two.lapse, lambda tx: settle.apply(tx, event))

    assert isinstance(result, IllegalMove)


def test_a_lapse_leaves_alone_what_is_being_paid_at_that_moment(kitchen: World, two: Two) -> None:
    event = late(two)

    with kitchen.database.transaction() as tx:
        assert settle.apply(tx, event) is None
        assert kitchen.fire_changes() == [], "somebody else has the booking"

    assert kitchen.fire_changes() == []
    assert kitchen.read(two.booking).people == 150
    kitchen.assert_sound()
