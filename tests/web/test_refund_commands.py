"""``nafasi refunds``: what an admin sees of money on its way back, does and is refused."""

import json
from typing import Any

import pytest
from sqlalchemy import select, update

from core.booking import cancel
from core.booking.model import Booking
from core.cases.sweep import sweep
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import REFUND_TRIES_MAX
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Method
from core.ports.money import CardRefund, Outcome, Reason
from tests.core.booking.world import World
from tests.core.payments.refunding import refunds_of, sent
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER
from tests.web.rig import Inside


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World.open(database, clock, booking_mode=BookingMode.INSTANT)


def cancelled(world: World, receipt: str = "SFF1", *, card: bool = False) -> Booking:
    booking = world.confirmed(receipt, in_days=10 + len(world.receipts()))
    if card:
        paid = update(Attempt).where(Attempt.booking_id == booking.id)
        world.run(lambda tx: tx.db.execute(paid.values(method=Method.CARD)))
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    return booking


def failed(world: World, receipt: str = "SFF1") -> Booking:
    """A booking whose money could not go back, for good."""
    booking = cancelled(world, receipt)
    for _ in range(REFUND_TRIES_MAX):
        world.failed(sent(world), Reason.BAD_RECIPIENT)
    return booking


def given_up(world: World, receipt: str) -> Booking:
    """A booking whose money may have reached the card that paid, or may not."""
    booking = cancelled(world, receipt, card=True)
    [request] = world.send_due()
    assert isinstance(request, CardRefund)
    world.failed(request.attempt_id, Reason.SILENT)
    return booking


def came_back(world: World, receipt: str) -> Booking:
    booking = cancelled(world, receipt)
    attempt = sent(world)
    world.paid(attempt, "SFG1")
    world.tell(attempt, Outcome.REVERSED, receipt="SFR1")
    return booking


def number(world: World, booking: Booking) -> int:
    [refund] = refunds_of(world, booking)
    return refund.number


def planned(world: World) -> dict[str, Attempt]:
    """What is to be sent, by the booking's code."""
    query = select(Attempt).where(Attempt.state == AttemptState.QUEUED)
    return {each.account: each for each in world.run(lambda tx: tx.db.scalars(query).all())}


def rows(inside: Inside, *words: str) -> Any:
    result = inside("refunds", *words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_failed_refund_goes_to_another_number_that_its_customer_names(
    world: World, inside: Inside
) -> None:
    booking = failed(world)
    waiting = str(number(world, booking))
    world.run(sweep)
    assert f"booking {booking.code}" in inside("cases").stdout
    assert f"refund {waiting}" in inside("cases").stdout
    listed = inside("refunds").stdout
    assert f"{waiting}  {booking.code}  KES 66,700  +2547****001  bad_recipient" in listed

    done = inside("refunds", "retry", waiting, "--to", "0700 000 002")

    assert "KES 66,700 is on its way to +2547****002 again." in done.stderr
    assert planned(world)[booking.code].msisdn == OTHER_CUSTOMER
    assert inside("refunds").stdout == "No refund waits for a person.\n"


def test_nothing_is_sent_that_cannot_be(world: World, inside: Inside) -> None:
    booking = failed(world)
    waiting = str(number(world, booking))

    for words, why in (
        (("999",), "no such refund"),
        ((waiting, "--to", "12"), "no Kenyan mobile"),
        ((waiting, "--to", ""), "no Kenyan mobile"),
        ((waiting, "--to", "+254 20 2222222"), "no Kenyan mobile"),
    ):
        refused = inside("refunds", "retry", *words)
        assert (refused.exit_code, why in refused.stderr) == (2, True), words
    assert planned(world) == {}

    assert inside("refunds", "retry", waiting).exit_code == 0
    again = inside("refunds", "retry", waiting)
    assert (again.exit_code, "it is open" in again.stderr) == (2, True)
    assert planned(world)[booking.code].msisdn == CUSTOMER


def test_what_may_have_arrived_and_what_came_back_are_left_for_a_look(
    world: World, inside: Inside
) -> None:
    certain, silent, back = failed(world), given_up(world, "SFF2"), came_back(world, "SFF3")

    told = rows(inside, "--retry")

    assert (len(told["failed"]), told["sent_again"], told["left"]) == (3, 1, 2)
    assert planned(world).keys() == {certain.code}
    left = rows(inside)["failed"]
    assert [(row["booking"], row["card"], row["state"], row["reason"]) for row in left] == [
        (silent.code, True, "failed", "silent"),
        (back.code, False, "reversed", None),
    ]
    assert "card  silent: it may have arrived" in inside("refunds").stdout
    assert "came back" in inside("refunds").stdout


def test_money_of_a_card_goes_to_the_card_or_where_a_person_says(
    world: World, inside: Inside
) -> None:
    first, second = given_up(world, "SFF2"), given_up(world, "SFF3")

    to_card = inside("refunds", "retry", number(world, first))
    to_phone = inside("refunds", "retry", number(world, second), "--to", OTHER_CUSTOMER)

    assert "KES 66,700 is on its way to the card that paid again." in to_card.stderr
    assert "KES 66,700 is on its way to +2547****002 again." in to_phone.stderr
    card, phone = planned(world)[first.code], planned(world)[second.code]
    assert (card.method, phone.method) == (Method.CARD, Method.MPESA)
    assert phone.msisdn == OTHER_CUSTOMER
