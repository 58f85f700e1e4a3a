"""Who moves the money of an attempt: preference, health, and handing over what was not sent."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.errors import Refused
from core.limits import LATE_QUESTIONS_MAX, STK_DELAY_SECONDS
from core.money import kes
from core.payments import attempts, routing, settle
from core.payments.asking import look_now
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts.model import HoldReason
from core.people.model import PayoutMethod, Vendor
from core.ports.money import BankAccount, MoneyEvent, Outcome, PayRequest, PushRequest, Reason
from core.ports.providers import ProviderError, Routes
from tests.core.booking.world import World
from tests.core.payouts.steps import the_payout
from tests.support.factories import CUSTOMER

ORDER = ("first", "second", "third")
DOWN = ProviderError("unavailable", retryable=True)
LOST = ProviderError("timeout", unknown=True)


@pytest.mark.parametrize(
    ("down", "chosen", "other_than_first"),
    [
        (set(), "first", "second"),
        ({"second"}, "first", "third"),
        ({"first"}, "second", "second"),
        ({"first", "second"}, "third", "third"),
        ({"first", "second", "third"}, "first", None),
        ({"stranger"}, "first", "second"),
    ],
)
def test_the_first_that_answers_is_taken(
    down: set[str], chosen: str, other_than_first: str | None
) -> None:
    assert routing.choose(ORDER, down) == chosen
    assert routing.alternative(ORDER, down, "first") == other_than_first


def test_where_nobody_goes_there_is_no_route() -> None:
    with pytest.raises(Refused, match="no_route"):
        routing.choose((), set())


def test_each_kind_has_its_own_order() -> None:
    routes = Routes(collection=("a",), payout=("b",), bank=("c",))
    assert routing.order(routes, Kind.COLLECTION) == ("a",)
    assert routing.order(routes, Kind.PAYOUT) == ("b",)
    assert routing.order(routes, Kind.PAYOUT, bank=True) == ("c",)


@dataclass
class Sick:
    """Health as a story tells it."""

    names: set[str]

    def down(self) -> frozenset[str]:
        return frozenset(self.names)


@pytest.fixture
def health() -> Sick:
    return Sick(set())


@pytest.fixture
def world(database: Database, clock: ManualClock, health: Sick) -> World:
    """A market with two providers, the second of which pays to banks as well."""
    both = ("daraja", "flutterwave")
    database.routes = Routes(both, both, ("flutterwave",), health)
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


def planned(world: World) -> Attempt:
    booking = world.hold()
    attempt = world.run(lambda tx: start_collection(tx, booking.id, CUSTOMER))
    world.clock.advance(seconds=STK_DELAY_SECONDS)
    return attempt


def begin(world: World, attempt_id: UUID) -> object:
    return world.run(lambda tx: attempts.begin(tx, attempt_id))


def refuse(world: World, attempt: Attempt, error: ProviderError) -> AttemptState:
    return world.run(lambda tx: attempts.refused(tx, attempt.id, error))


def successor(world: World, attempt: Attempt) -> Attempt | None:
    chosen = select(Attempt).where(Attempt.rerouted_from == attempt.id)
    return world.run(lambda tx: tx.db.scalar(chosen))


def test_a_prompt_is_planned_with_whoever_answers(world: World, health: Sick) -> None:
    assert planned(world).provider == "daraja"
    health.names = {"daraja"}
    other = world.another_listing()
    booking = world.hold(listing=other)
    attempt = world.run(lambda tx: start_collection(tx, booking.id, CUSTOMER))
    assert attempt.provider == "flutterwave"


def test_a_prompt_that_waits_is_handed_over_when_its_provider_goes_down(
    world: World, health: Sick
) -> None:
    attempt = planned(world)
    health.names = {"daraja"}

    assert begin(world, attempt.id) is None

    old, new = world.attempt(attempt), successor(world, attempt)
    assert new is not None
    assert (old.state, old.code) == (AttemptState.FAILED, attempts.REROUTED)
    assert (new.provider, new.state, new.msisdn) == ("flutterwave", AttemptState.QUEUED, CUSTOMER)
    assert (new.amount_cents, new.account) == (old.amount_cents, old.account)
    assert isinstance(begin(world, new.id), PushRequest)
    # Nothing has failed for the customer.
    assert world.notices()["payment_failed"] == 0


def test_what_was_refused_before_it_was_done_is_handed_over_at_once(
    world: World, health: Sick
) -> None:
    attempt = planned(world)
    begin(world, attempt.id)
    health.names = {"daraja"}

    assert refuse(world, attempt, DOWN) is AttemptState.FAILED

    assert successor(world, attempt) is not None
    assert world.notices()["provider_down"] == 0, "somebody else takes it over"


@pytest.mark.parametrize("lost_first", [True, False])
def test_what_may_have_been_done_is_never_handed_over(
    world: World, health: Sick, *, lost_first: bool
) -> None:
    """A payout's answer was lost once; that a later try was refused proves nothing."""
    world.released()
    payout = the_payout(world)
    attempt = world.attempts(Kind.PAYOUT)[0]
    assert isinstance(begin(world, attempt.id), PayRequest)
    if lost_first:
        refuse(world, attempt, LOST)
        for _ in range(attempts.PAYOUT_ASKED_MIN):
            world.clock.advance(hours=2)
            assert isinstance(begin(world, attempt.id), Attempt)
        world.clock.advance(hours=2)
        assert isinstance(begin(world, attempt.id), PayRequest), "sent again by its own id"
    health.names = {"daraja"}
    refuse(world, attempt, DOWN)

    assert (successor(world, attempt) is None) is lost_first
    assert payout.tries == 0


def test_an_attempt_is_handed_over_once(world: World, health: Sick) -> None:
    attempt = planned(world)
    health.names = {"daraja"}
    begin(world, attempt.id)
    new = successor(world, attempt)
    assert new is not None

    health.names = {"flutterwave"}
    assert isinstance(begin(world, new.id), PushRequest), "it stays where it is"
    assert refuse(world, new, DOWN) is AttemptState.QUEUED
    assert successor(world, new) is None


def test_the_database_lets_nobody_hand_over_twice(world: World, health: Sick) -> None:
    attempt = planned(world)
    health.names = {"daraja"}
    begin(world, attempt.id)
    new = successor(world, attempt)
    assert new is not None

    def again(tx: Tx) -> None:
        tx.db.get_one(Attempt, new.id).move(attempts.AttemptEvent.FAIL)
        tx.db.flush()
        values = {
            column.key: getattr(new, column.key)
            for column in Attempt.__table__.columns
            if column.key != "id"
        }
        tx.db.add(Attempt(id=tx.ids.uuid(), **values))

    with pytest.raises(IntegrityError, match="uq_attempts_rerouted_from"):
        world.run(again)


def test_when_nobody_answers_it_waits_and_the_customer_hears_it_once(
    world: World, health: Sick
) -> None:
    attempt = planned(world)
    health.names = {"daraja", "flutterwave"}
    for _ in range(3):
        assert isinstance(begin(world, attempt.id), PushRequest)
        assert refuse(world, attempt, DOWN) is AttemptState.QUEUED
        due_at = world.attempt(attempt).due_at
        assert due_at is not None
        world.clock.set(due_at)
    assert world.notices()["provider_down"] == 1

    health.names = {"daraja"}
    assert begin(world, attempt.id) is None
    assert successor(world, attempt) is not None


def test_money_that_moved_after_all_is_booked_although_it_was_handed_over(
    world: World, health: Sick
) -> None:
    attempt = planned(world)
    begin(world, attempt.id)
    health.names = {"daraja"}
    refuse(world, attempt, DOWN)
    new = successor(world, attempt)
    assert new is not None

    assert world.paid(attempt) is None

    assert world.attempt(attempt).state is AttemptState.SUCCEEDED
    assert world.balance("float:daraja") == kes(66_700)
    # Paid: the other prompt asks nobody for money any more.
    assert begin(world, new.id) is None


def test_a_return_goes_back_through_whoever_received_it(world: World, health: Sick) -> None:
    world.paybill("ZZZZZ", kes(100))
    [attempt] = world.attempts(Kind.RETURN)
    health.names = {"daraja"}
    assert isinstance(begin(world, attempt.id), PayRequest)
    assert world.attempt(attempt).provider == "daraja"


# A vendor with a bank account.


def bank_vendor(world: World) -> None:
    details = {"bank": "68", "branch": "001", "account": "0123456789", "name": "Baraka Ltd"}

    def change(tx: Tx) -> None:
        vendor = tx.db.get_one(Vendor, world.vendor.id)
        vendor.payout_method = PayoutMethod.BANK
        vendor.payout_sealed = tx.vault.seal(details)

    world.run(change)


def test_a_bank_is_paid_by_whoever_pays_to_banks(world: World) -> None:
    world.released()
    bank_vendor(world)

    the_payout(world)
    [attempt] = world.attempts(Kind.PAYOUT)
    request = begin(world, attempt.id)

    assert attempt.provider == "flutterwave"
    assert isinstance(request, PayRequest)
    assert request.bank == BankAccount("68", "0123456789", "Baraka Ltd")
    assert attempt.bank_sealed is not None
    assert b"0123456789" not in attempt.bank_sealed


def test_a_bank_payout_that_arrived_pays_the_vendor_out(world: World) -> None:
    booking = world.released()
    bank_vendor(world)
    the_payout(world)
    [attempt] = world.attempts(Kind.PAYOUT)
    begin(world, attempt.id)
    event = MoneyEvent(
        "flutterwave",
        Outcome.SUCCEEDED,
        attempt.id,
        receipt="26251",
        amount=kes(40_000),
        fee=kes(100),
    )
    assert world.run(lambda tx: settle.apply(tx, event)) is None
    assert world.state(booking) == "paid_out"
    assert world.run(lambda tx: settle.apply(tx, event)) == "repeat"
    assert world.balance("float:flutterwave") == kes(-40_100)
    assert world.balance("expense:provider_fees") == kes(100)
    assert world.notice("payout_sent")["to_bank"] is True


def test_where_nobody_pays_to_banks_the_money_waits(world: World) -> None:
    world.database.routes = Routes()
    world.released()
    bank_vendor(world)
    assert the_payout(world).hold_reason is HoldReason.NO_ROUTE
    assert world.attempts(Kind.PAYOUT) == []
    assert world.balance(f"payable:{world.vendor.number}") == kes(40_000)


def test_a_change_of_the_account_does_not_redirect_what_is_on_its_way(world: World) -> None:
    world.released()
    bank_vendor(world)
    the_payout(world)
    [attempt] = world.attempts(Kind.PAYOUT)

    def change(tx: Tx) -> None:
        vendor = tx.db.get_one(Vendor, world.vendor.id)
        vendor.payout_sealed = tx.vault.seal({"bank": "01", "account": "666", "name": "Mallory"})

    world.run(change)
    request = begin(world, attempt.id)
    assert isinstance(request, PayRequest)
    assert request.bank == BankAccount("68", "0123456789", "Baraka Ltd")


# Hints: a provider says that something has become of an attempt.


def look(world: World, attempt: Attempt, provider: str = "daraja") -> str | None:
    kinds = (Kind.COLLECTION,)
    return world.run(lambda tx: look_now(tx, provider, attempt.id, kinds))


def test_a_hint_has_the_attempt_asked_at_once_and_changes_nothing_else(world: World) -> None:
    attempt = planned(world)
    assert look(world, attempt) == "unknown_attempt", "it was never sent"
    begin(world, attempt.id)
    assert look(world, attempt) == "being_sent"
    world.run(lambda tx: attempts.accepted(tx, attempt.id, "4412001"))
    assert begin(world, attempt.id) is None, "not due yet"

    assert look(world, attempt, "flutterwave") == "unknown_attempt", "another's attempt"
    assert look(world, attempt) is None
    assert world.attempt(attempt).state is AttemptState.PENDING
    asked = begin(world, attempt.id)
    assert isinstance(asked, Attempt)

    world.paid(attempt)
    assert look(world, attempt) == "repeat"


def test_an_attempt_that_was_given_up_is_asked_about_and_its_late_success_counts(
    world: World,
) -> None:
    attempt = world.prompt(world.hold())
    world.failed(attempt, Reason.EXPIRED)
    assert look(world, attempt) is None

    assert isinstance(begin(world, attempt.id), Attempt)
    assert world.paid(attempt) is None
    assert world.balance("float:daraja") == kes(66_700)


def test_late_questions_end_with_an_answer_or_by_themselves(world: World) -> None:
    attempt = world.prompt(world.hold())
    world.failed(attempt, Reason.EXPIRED)

    look(world, attempt)
    assert isinstance(begin(world, attempt.id), Attempt)
    assert world.failed(attempt, Reason.EXPIRED) == "repeat"
    assert world.attempt(attempt).due_at is None, "it failed, once more"

    look(world, attempt)
    asked = 0
    for _ in range(LATE_QUESTIONS_MAX * 2):
        asked += isinstance(begin(world, attempt.id), Attempt)
        world.clock.advance(hours=1)
    assert asked == LATE_QUESTIONS_MAX
