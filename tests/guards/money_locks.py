"""Locks of payments, refunds and payouts: evidence comes from several sides at once."""

from uuid import UUID

from core.booking import cancel
from core.documents.month import Month
from core.documents.remittances import pay_over
from core.documents.taxes import Tax
from core.errors import IllegalMove
from core.escrow import accounts
from core.money import kes
from core.payments import attempts, refunds, suspense
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState, RefundState
from core.payments.looked_up import book_failure
from core.payments.model import Attempt, Kind, Refund
from core.payouts import usecases as payouts
from core.payouts.model import Payout
from core.ports.money import PayRequest, Reason
from core.ports.providers import ProviderError
from tests.core.booking.world import GOLDEN, World
from tests.core.payouts.steps import the_payout
from tests.guards.guard import Guard, both_do, lock, meet_in, words
from tests.guards.guard import Kind as GuardKind
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER


def _asked_while_confirmed(world: World) -> None:
    """An answer without a number and the paybill's confirmation of the same money."""
    booking = world.hold()
    attempt = world.prompt(booking)

    meet_in(
        world,
        lambda: world.paid(attempt, None),
        r"receipts\.attempt_id IS NULL",
        lambda: world.paybill(booking.code, GOLDEN),
    )

    assert world.balance("float:daraja") == GOLDEN, "it came once, and was told of twice"


def _sending(world: World) -> UUID:
    """A prompt that a worker has begun to send."""
    booking = world.hold()
    attempt = world.run(lambda tx: start_collection(tx, booking.id, CUSTOMER))
    world.clock.advance(seconds=10)
    world.run(lambda tx: attempts.begin(tx, attempt.id))
    return attempt.id


def _callback_before_answer(world: World) -> None:
    attempt_id = _sending(world)

    meet_in(
        world,
        lambda: world.run(lambda tx: attempts.accepted(tx, attempt_id, "ws_CO_1")),
        r"FROM attempts",
        lambda: world.paid(attempt_id),
    )

    state = world.run(lambda tx: tx.db.get_one(Attempt, attempt_id)).state
    assert state is AttemptState.SUCCEEDED, "a success is terminal"


def _callback_before_timeout(world: World) -> None:
    attempt_id = _sending(world)
    lost = ProviderError("timeout", unknown=True)

    meet_in(
        world,
        lambda: world.run(lambda tx: attempts.refused(tx, attempt_id, lost)),
        r"FROM attempts",
        lambda: world.paid(attempt_id),
    )

    state = world.run(lambda tx: tx.db.get_one(Attempt, attempt_id)).state
    assert state is AttemptState.SUCCEEDED, "a success is terminal"


def _told_both_ways(world: World) -> None:
    attempt = world.prompt(world.hold())

    meet_in(
        world,
        lambda: world.failed(attempt, Reason.EXPIRED),
        r"FROM attempts",
        lambda: world.paid(attempt),
    )

    assert world.attempt(attempt).state is AttemptState.SUCCEEDED, "a success is terminal"


def _looked_up_while_told(world: World) -> None:
    """A person has been told that a payout never left, while its callback comes."""
    world.released()
    the_payout(world)
    [sent] = world.send_due()

    meet_in(
        world,
        lambda: world.run(lambda tx: book_failure(tx, sent.attempt_id)),
        r"FROM attempts",
        lambda: world.paid(sent.attempt_id, "SFG1"),
    )

    assert world.attempt(sent.attempt_id).state is AttemptState.SUCCEEDED, "a success is terminal"


def given_up_and_sent(world: World) -> tuple[UUID, UUID]:
    """Two tries of one movement, the first given up and the second under way."""
    [first] = world.send_due()
    world.failed(first.attempt_id, Reason.OTHER)
    world.clock.advance(hours=12)
    world.pay_out()
    [second] = world.send_due()
    assert isinstance(second, PayRequest)
    return first.attempt_id, second.attempt_id


def _both_tries_of_a_payout(world: World) -> None:
    world.released()
    the_payout(world)
    first, second = given_up_and_sent(world)

    results = meet_in(
        world,
        lambda: world.paid(first, "SFFTRY0001"),
        r"FROM payouts",
        lambda: world.paid(second, "SFFTRY0002"),
    )

    assert results == (None, None), "both are true, and the second is missing from suspense"
    assert world.balance("suspense:daraja").cents == -40_000_00
    world.assert_sound()


def _both_tries_of_a_refund(world: World) -> None:
    booking = world.confirmed()
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    first, second = given_up_and_sent(world)

    results = meet_in(
        world,
        lambda: world.paid(first, "SFFTRY0001"),
        r"FROM refunds",
        lambda: world.paid(second, "SFFTRY0002"),
    )

    assert results == (None, None), "both are true, and the second is missing from suspense"
    assert world.balance("suspense:daraja") == -GOLDEN
    world.assert_sound()


def _two_persons_retry(world: World) -> None:
    booking = world.confirmed()
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    [refund] = world.run(lambda tx: refunds.refunds_of(tx, booking.id))
    for _ in range(4):
        [request] = world.send_due()
        world.failed(request.attempt_id, Reason.BAD_RECIPIENT)
        world.clock.advance(hours=1)
    assert world.run(lambda tx: tx.db.get_one(Refund, refund.id)).state is RefundState.FAILED

    results = both_do(world, lambda tx: refunds.retry_refund(tx, refund.id), r"FROM refunds")

    assert isinstance(results[1], IllegalMove), "it is under way"


def _matched_and_sent_back(world: World) -> None:
    """Money in suspense: one person gives it to a booking, another sends it back."""
    world.paybill("NOBODY", GOLDEN, "SFFLOST001", payer=None)
    booking = world.hold()
    [receipt] = world.receipts()

    meet_in(
        world,
        lambda: world.run(lambda tx: suspense.match(tx, receipt.id, booking.code)),
        r"FROM receipts",
        lambda: world.run(lambda tx: suspense.send_back(tx, receipt.id, CUSTOMER)),
    )

    assert world.attempts(Kind.RETURN) == [], "it has become the booking's"


def _two_payouts(world: World) -> None:
    world.released()
    vendor_id = world.vendor.id

    results = both_do(world, lambda tx: payouts.make_payout(tx, vendor_id), r"FROM vendors")

    assert isinstance(results[0], Payout)
    assert results[1] is None, "one is on its way"


def _earned_meanwhile(world: World) -> None:
    """A second booking is released while the first one's payout is made."""
    world.released("SFFONE0001", in_days=3)
    later = world.confirmed("SFFTWO0001", OTHER_CUSTOMER, in_days=3)
    world.clock.set(world.due(later))
    world.fire()
    world.clock.set(world.due(later))

    payout, _ = meet_in(
        world,
        lambda: world.run(lambda tx: payouts.make_payout(tx, world.vendor.id)),
        r"FROM ledger_accounts .*ORDER BY ledger_accounts\.path",
        world.fire,
    )

    assert payout.amount_cents == 40_000_00, "what is paid is what its bookings earned"
    assert payout.carried_in_cents == 0


def _tax_twice(world: World) -> None:
    world.released()
    month = Month.of(world.clock.now())
    vat = world.balance(accounts.VAT)

    def pay(reference: str) -> None:
        world.run(lambda tx: pay_over(tx, Tax.VAT, month, vat, reference))

    meet_in(world, lambda: pay("A1"), r"sum\(tax_payments", lambda: pay("A2"))

    assert world.balance(accounts.VAT) == kes(0), "a month's tax is paid over once"


GUARDS = (
    Guard(
        "two workers make one vendor's payout: one fails",
        lock("the vendor, when paying out", "vendors"),
        _two_payouts,
    ),
    Guard(
        "a payout counts a booking whose money it does not hold",
        lock("the payable account, when paying out", "ledger_accounts"),
        _earned_meanwhile,
    ),
    Guard(
        "the provider's answer overwrites its own callback",
        lock("an attempt, when it was taken", "attempts"),
        _callback_before_answer,
    ),
    Guard(
        "an answer that was lost overwrites a success",
        lock("an attempt, when it was not", "attempts"),
        _callback_before_timeout,
    ),
    Guard(
        "one payment told of by two channels at once counts twice",
        lock("the booking, when paying", "bookings"),
        _asked_while_confirmed,
    ),
    Guard(
        "a failure overwrites a success",
        lock("an attempt, when evidence comes", "attempts"),
        _told_both_ways,
    ),
    Guard(
        "what a person has looked up overwrites a success",
        lock("an attempt, when it was looked up", "attempts"),
        _looked_up_while_told,
    ),
    Guard(
        "two tries of a payout count as one",
        lock("a payout, when evidence comes", "payouts"),
        _both_tries_of_a_payout,
    ),
    Guard(
        "two tries of a refund count as one",
        lock("a refund, when evidence comes", "refunds"),
        _both_tries_of_a_refund,
    ),
    Guard(
        "two persons send a failed refund again: one fails",
        lock("a refund, when sent again", "refunds"),
        _two_persons_retry,
    ),
    Guard(
        "money in suspense goes to a booking and back",
        lock("a receipt in suspense", "receipts"),
        _matched_and_sent_back,
    ),
    Guard(
        "a month's tax is paid over twice",
        words(
            GuardKind.LOCK,
            "payments of tax",
            r"pg_advisory_xact_lock(?=\()",
            r"SELECT pg_advisory_xact_lock",
        ),
        _tax_twice,
    ),
)
