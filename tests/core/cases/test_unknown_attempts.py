"""Money that left us and of which nothing is heard: asked about for ever, a case after a day."""

import pytest

from core.booking import cancel
from core.cases.model import Case, CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import ATTEMPT_UNKNOWN_SECONDS, CARD_REFUND_UNKNOWN_SECONDS
from core.money import kes
from core.payments.model import Attempt, Method
from core.ports.money import Outcome, Reason
from tests.core.booking.world import World
from tests.core.payouts.steps import send, the_payout
from tests.support.factories import STRANGER


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


def cases(world: World) -> list[Case]:
    world.run(sweep)
    return [each for each in world.run(open_cases) if each.kind is CaseKind.ATTEMPT_UNKNOWN]


def test_a_payout_of_which_nothing_is_heard_is_a_case_until_its_end_is_known(
    world: World,
) -> None:
    world.released()
    the_payout(world)
    sent = send(world)
    world.clock.advance(seconds=ATTEMPT_UNKNOWN_SECONDS)
    world.tell(sent.attempt_id, Outcome.UNKNOWN)
    assert cases(world) == [], "a day is not too long"
    world.clock.advance(seconds=1)

    [case] = cases(world)

    assert (case.subject, case.amount_cents) == (str(sent.attempt_id), kes(40_000).cents)
    assert {name: value for name, value in case.facts.items() if value} == {
        "for": "payout",
        "vendor": world.vendor.number,
        "provider": "daraja",
        "ours": str(sent.attempt_id),
        "theirs": f"ref {sent.attempt_id}",
    }
    assert [each.number for each in cases(world)] == [case.number]
    assert world.paid(sent.attempt_id, "SFG1") is None
    assert cases(world) == []


@pytest.mark.parametrize("outcome", [Outcome.PENDING, Outcome.UNKNOWN])
def test_so_is_a_refund_whether_it_was_taken_or_may_have_been(
    world: World, outcome: Outcome
) -> None:
    booking = world.confirmed()
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    sent = send(world)
    world.tell(sent.attempt_id, outcome)
    world.clock.advance(seconds=ATTEMPT_UNKNOWN_SECONDS + 1)

    [case] = cases(world)

    assert (case.facts["for"], case.facts["booking"]) == ("refund", booking.code)
    assert case.facts["refund"] is not None
    world.failed(sent.attempt_id, Reason.BAD_RECIPIENT)
    assert cases(world) == [], "it is tried again"


def test_money_of_nobody_is_named_by_what_was_typed_and_no_number_is_shown(world: World) -> None:
    world.paybill(STRANGER.removeprefix("+"), kes(500), payer=STRANGER)
    send(world)
    world.clock.advance(seconds=ATTEMPT_UNKNOWN_SECONDS + 1)

    [case] = cases(world)

    assert (case.facts["for"], case.facts["account"]) == ("return", "254****098")
    assert STRANGER.removeprefix("+") not in str(case.facts)


def test_a_refund_to_a_card_takes_days_and_is_no_case_before(world: World) -> None:
    booking = world.confirmed()
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    sent = send(world)
    world.run(lambda tx: setattr(tx.db.get_one(Attempt, sent.attempt_id), "method", Method.CARD))

    world.clock.advance(seconds=CARD_REFUND_UNKNOWN_SECONDS)
    assert cases(world) == []
    world.clock.advance(seconds=1)
    assert len(cases(world)) == 1


def test_what_waits_to_be_sent_and_what_a_customer_is_asked_for_are_no_case(world: World) -> None:
    world.released()
    the_payout(world)
    world.prompt(world.hold(in_days=20))
    world.clock.advance(seconds=2 * ATTEMPT_UNKNOWN_SECONDS)

    assert cases(world) == []
