"""Payments that are taken back instead of sent back: one way at a time, and always one."""

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from core.booking import cancel
from core.booking.model import Booking
from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import TAKE_BACK_TRIES_MAX
from core.money import kes
from core.payments import refunds, suspense
from core.payments.lifecycle import AttemptState, RefundState
from core.payments.model import Attempt, Direction, Kind
from core.payouts.halts import halts
from core.ports.money import NOT_TAKEN_BACK, Outcome, PayRequest, Reason, TakeBackRequest
from core.ports.providers import Routes
from tests.core.booking.world import GOLDEN, RECEIPT, World
from tests.core.payments.refunding import cancelled, plan, refunds_of
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER

GONE = "SFR1GONE"


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    """The operator may take payments back."""
    database.routes = replace(Routes(), taking_back=("daraja",))
    return World.open(database, clock)


def asked_for(world: World) -> tuple[Booking, TakeBackRequest]:
    """A booking of which all goes back, and what its provider was asked."""
    booking = cancelled(world)
    [request] = world.send_due()
    assert isinstance(request, TakeBackRequest)
    return booking, request


def attempt(world: World, attempt_id: UUID) -> Attempt:
    return world.run(lambda tx: tx.db.get_one(Attempt, attempt_id))


def stands(world: World, request: TakeBackRequest) -> None:
    """Its provider says that the payment is as it was."""
    world.tell(request.attempt_id, Outcome.UNKNOWN, code=NOT_TAKEN_BACK)


def test_a_whole_payment_is_taken_back_by_its_own_receipt(world: World) -> None:
    booking, request = asked_for(world)
    assert (request.receipt, request.amount) == (RECEIPT, GOLDEN)

    assert world.paid(request.attempt_id, GONE) is None

    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.balance("float:daraja") == kes(0)
    assert world.told(CUSTOMER)[-1] == "money_returned"
    [receipt] = [each for each in world.receipts() if each.number == GONE]
    assert receipt.account == "payment taken back"
    world.clock.advance(days=2)
    assert world.send_due() == []
    world.assert_sound()


def test_a_part_of_a_payment_is_sent(world: World) -> None:
    booking = world.confirmed()
    plan(world, booking, kes(10_000))
    [request] = world.send_due()
    assert isinstance(request, PayRequest)
    assert world.paid(request.attempt_id, "SFG1") is None

    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    [rest] = world.send_due()
    assert isinstance(rest, PayRequest), "what is left of it is not all of it"
    world.assert_sound()


def test_one_whose_receipt_we_do_not_know_is_sent(world: World) -> None:
    booking = world.hold()
    assert world.paid(world.prompt(booking), receipt=None) is None
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))

    [request] = world.send_due()

    assert isinstance(request, PayRequest)


def test_what_is_refused_for_certain_is_sent_at_once_and_stops_nobody(world: World) -> None:
    booking, request = asked_for(world)
    assert world.tell(request.attempt_id, Outcome.FAILED, reason=Reason.NO_FLOAT, code="1") is None

    [sent] = world.send_due()

    assert isinstance(sent, PayRequest)
    assert (sent.msisdn, sent.amount) == (CUSTOMER, GOLDEN)
    assert world.run(halts) == [], "an empty paybill says nothing of the account that pays"
    assert world.paid(sent.attempt_id, "SFG1") is None
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    world.assert_sound()


def test_refused_credentials_stop_the_sending_too(world: World) -> None:
    _, request = asked_for(world)
    world.tell(request.attempt_id, Outcome.FAILED, reason=Reason.CREDENTIALS, code="2001")

    assert world.send_due() == []
    assert [halt.provider for halt in world.run(halts)] == ["daraja"]


def test_silence_is_asked_about_before_it_is_asked_for_again(world: World) -> None:
    booking, request = asked_for(world)
    world.tell(request.attempt_id, Outcome.UNKNOWN, code="timeout")
    for _ in range(2):
        world.clock.advance(hours=1)
        assert world.send_due() == [], "it is asked about"

    world.clock.advance(hours=1)
    [again] = world.send_due()

    # The same attempt, by the same receipt: the provider does it once.
    assert again == request
    world.tell(request.attempt_id, Outcome.UNKNOWN, code="R000001")
    world.clock.advance(hours=1)
    assert world.send_due() == [], "that it was done before is asked about, too"
    assert world.paid(request.attempt_id, None) is None
    [refund] = refunds_of(world, booking)
    assert refund.state is RefundState.RETURNED
    assert world.balance("float:daraja") == kes(0)
    world.assert_sound()


def test_a_payment_that_stands_whatever_is_asked_is_sent_in_the_end(world: World) -> None:
    _, request = asked_for(world)
    sent: list[object] = []
    for _ in range(20):
        stands(world, request)
        world.clock.advance(hours=1)
        sent += world.send_due()
        if any(isinstance(each, PayRequest) for each in sent):
            break

    assert [type(each) for each in sent] == [
        *[TakeBackRequest] * (TAKE_BACK_TRIES_MAX - 1),
        PayRequest,
    ]
    assert attempt(world, request.attempt_id).state is AttemptState.FAILED
    world.assert_sound()


def test_one_whose_requests_expire_is_sent_in_the_end(world: World) -> None:
    """Each request is lost in its provider's queue, and the payment stands as it was."""
    _, request = asked_for(world)
    sent: list[object] = []
    for _ in range(4 * TAKE_BACK_TRIES_MAX):
        world.tell(request.attempt_id, Outcome.UNKNOWN, code="1019")
        stands(world, request)
        world.clock.advance(hours=1)
        sent += world.send_due()

    again, last = [request] * (TAKE_BACK_TRIES_MAX - 1), sent[-1]
    assert sent[:-1] == again
    assert isinstance(last, PayRequest)
    assert attempt(world, request.attempt_id).tries == TAKE_BACK_TRIES_MAX


def test_what_was_said_of_an_earlier_request_says_nothing_of_the_last(world: World) -> None:
    _, request = asked_for(world)
    sent: list[object] = []
    while len(sent) < TAKE_BACK_TRIES_MAX - 1:
        world.tell(request.attempt_id, Outcome.UNKNOWN, code="1019")
        stands(world, request)
        world.clock.advance(hours=1)
        sent += world.send_due()

    for _ in range(6):  # Neither its outcome nor an answer comes.
        world.clock.advance(hours=1)
        assert world.send_due() == []
    assert world.paid(request.attempt_id, GONE) is None
    world.assert_sound()


def test_one_that_is_taken_back_after_all_leaves_a_hole_and_a_case(world: World) -> None:
    booking, request = asked_for(world)
    world.failed(request.attempt_id)
    [sent] = world.send_due()
    assert world.paid(sent.attempt_id, "SFG1") is None

    assert world.paid(request.attempt_id, GONE) is None

    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.balance("suspense:daraja") == -GOLDEN
    world.run(sweep)
    [case] = world.run(open_cases)
    assert (case.kind, case.amount_cents) == (CaseKind.OVERPAID, GOLDEN.cents)
    world.assert_sound()


def test_when_it_was_taken_back_before_the_money_left_none_leaves(world: World) -> None:
    _, request = asked_for(world)
    world.failed(request.attempt_id)
    assert world.paid(request.attempt_id, GONE) is None

    assert world.send_due() == []
    assert world.balance("float:daraja") == kes(0)
    world.assert_sound()


def test_two_ways_at_once_are_refused_by_the_database(world: World) -> None:
    """A refund that is being taken back, and wrong money that is."""
    booking, _ = asked_for(world)
    assert world.paybill("NOBODY", kes(500), "SFF7WRONG") is None
    for open_one in world.attempts(Kind.RETURN):
        values = {column.name: getattr(open_one, column.name) for column in Attempt.__table__.c}
        also_sent = values | {"takes_back": None, "reference": None}
        with pytest.raises(IntegrityError, match="uq_attempts_open_re"):
            world.run(lambda tx, row=also_sent: tx.db.add(Attempt(**row | {"id": tx.ids.uuid()})))
    assert len(world.attempts(Kind.RETURN)) == 2
    assert world.balance(f"escrow:{booking.code}") == GOLDEN


def test_wrong_money_goes_back_although_its_payer_is_hidden(world: World) -> None:
    assert world.paybill("NOBODY", kes(500), payer=None) is None
    [request] = world.send_due()
    assert request == TakeBackRequest(request.attempt_id, RECEIPT, kes(500))

    assert world.paid(request.attempt_id, GONE) is None

    assert world.balance("suspense:daraja") == kes(0)
    world.assert_sound()


def test_when_that_is_refused_a_person_finds_out_who_paid(world: World) -> None:
    assert world.paybill("NOBODY", kes(500), payer=None) is None
    [request] = world.send_due()
    world.failed(request.attempt_id)

    assert world.send_due() == []
    world.run(sweep)
    [case] = world.run(open_cases)
    assert case.kind is CaseKind.RETURN_FAILED
    receipt_id = UUID(case.facts["receipt_id"])
    world.run(lambda tx: suspense.send_back(tx, receipt_id, OTHER_CUSTOMER))
    [sent] = world.send_due()
    assert isinstance(sent, PayRequest)
    assert (sent.msisdn, sent.amount) == (OTHER_CUSTOMER, kes(500))


def test_less_than_b2c_sends_can_be_taken_back(world: World) -> None:
    assert world.paybill("NOBODY", kes(5), payer=None) is None
    [request] = world.send_due()
    world.failed(request.attempt_id)
    assert world.send_due() == [], "and then not be sent"
    world.assert_sound()


def test_a_person_who_sends_it_again_sends_it(world: World) -> None:
    _, request = asked_for(world)
    world.paid(request.attempt_id, GONE)
    [refund] = world.run(lambda tx: [tx.db.get_one(Attempt, request.attempt_id).refund_id])
    assert world.tell(request.attempt_id, Outcome.REVERSED, receipt="SFR2") is None
    world.run(lambda tx: refunds.retry_refund(tx, refund))

    [again] = world.send_due()

    assert isinstance(again, PayRequest)


def test_its_unnamed_proof_takes_no_later_payments_number(world: World) -> None:
    """Only an answer told that it was taken back, without a number; then the same price comes by
    hand: that is other money.
    """
    booking, request = asked_for(world)
    assert world.paid(request.attempt_id, None) is None

    assert world.paybill(booking.code, GOLDEN, "SFF9AGAIN") is None

    [again] = [each for each in world.receipts() if each.number == "SFF9AGAIN"]
    assert (again.direction, again.suspense) == (Direction.IN, True)
    assert world.balance("float:daraja") == GOLDEN
    [back] = world.send_due()
    assert isinstance(back, TakeBackRequest)
    assert back.receipt == "SFF9AGAIN"
    world.assert_sound()


def given_to_a_booking(world: World) -> tuple[TakeBackRequest, Booking]:
    """Money whose payer is hidden could not be taken back; then a person found its booking."""
    booking = world.hold()
    assert world.paybill("NOBODY", GOLDEN, payer=None) is None
    [first] = world.send_due()
    assert isinstance(first, TakeBackRequest)
    world.failed(first.attempt_id)
    [receipt] = world.receipts()
    world.run(lambda tx: suspense.match(tx, receipt.id, booking.code))
    return first, booking


def test_of_two_tries_for_one_payment_one_has_taken_it_back(world: World) -> None:
    """The provider tells of the payment, not of who asked for it."""
    first, booking = given_to_a_booking(world)
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    [second] = world.send_due()
    assert isinstance(second, TakeBackRequest)
    assert (second.receipt, second.attempt_id != first.attempt_id) == (first.receipt, True)
    assert world.paid(first.attempt_id, None) == "repeat", "the second is at it"
    assert world.paid(second.attempt_id, GONE) is None

    assert world.paid(first.attempt_id, None) == "repeat"

    assert world.balance("float:daraja") == world.balance("suspense:daraja") == kes(0)
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    world.assert_sound()


def test_what_was_taken_back_late_is_sent_to_whoever_has_paid_with_it(world: World) -> None:
    first, booking = given_to_a_booking(world)
    assert world.paid(first.attempt_id, GONE) is None
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))

    [sent] = world.send_due()

    assert isinstance(sent, PayRequest), "it cannot be taken back once more"
    assert world.balance("suspense:daraja") == -GOLDEN
    world.run(sweep)
    [case] = world.run(open_cases)
    assert (case.kind, case.amount_cents) == (CaseKind.OVERPAID, GOLDEN.cents)
    assert case.facts["receipt"] == first.receipt
    world.assert_sound()


@pytest.mark.parametrize("done", [True, False], ids=["taken_back", "under_way"])
def test_a_number_that_was_another_payments_is_not_taken_back_once_more(
    world: World, *, done: bool
) -> None:
    """Of two payments of one price the second's number is known first; then the first's comes."""
    booking = world.hold()
    prompt = world.prompt(booking)
    assert world.paid(prompt, receipt=None) is None
    assert world.paybill(booking.code, GOLDEN, "SFFBYHAND1", payer=None) == "repeat"
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    [request] = world.send_due()
    assert isinstance(request, TakeBackRequest)
    assert request.receipt == "SFFBYHAND1"
    if done:
        assert world.paid(request.attempt_id, GONE) is None

    world.paid(prompt, receipt="SFFPROMPT1")

    assert world.send_due() == [], "it went back once, and the other payment is still with us"
    if not done:
        assert world.paid(request.attempt_id, GONE) is None
    assert world.balance("suspense:daraja") == world.balance("float:daraja") == GOLDEN
    world.run(sweep)
    [case] = world.run(open_cases)
    assert (case.kind, case.amount_cents) == (CaseKind.SUSPENSE, GOLDEN.cents)
    world.assert_sound()


def test_the_database_lets_a_payment_be_taken_back_once(world: World) -> None:
    _, request = asked_for(world)
    assert world.paid(request.attempt_id, GONE) is None
    done = attempt(world, request.attempt_id)
    twin = {column.name: getattr(done, column.name) for column in Attempt.__table__.c}

    with pytest.raises(IntegrityError, match="uq_attempts_taken_back"):
        world.run(lambda tx: tx.db.add(Attempt(**twin | {"id": tx.ids.uuid()})))
