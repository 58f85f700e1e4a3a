"""Guards of payouts."""

from core.limits import PAYOUT_MIN_CENTS
from core.money import kes
from core.payments.model import Kind
from core.payouts import rules, settle
from core.payouts.model import Payout
from core.payouts.usecases import make_payout
from core.ports.money import PayRequest, Reason
from tests.core.booking.world import World
from tests.core.payouts.steps import the_payout
from tests.guards.guard import (
    Guard,
    by_hand,
    check,
    constraint,
    copy_row,
    count,
    outcome,
    unique_index,
)
from tests.support.factories import OTHER_CUSTOMER


def _paid_vendor(world: World) -> Payout:
    world.released()
    return the_payout(world)


def _one_at_a_time(world: World) -> None:
    copy_row(world, "payouts", _paid_vendor(world).id)

    assert count(world, "SELECT count(*) FROM payouts") == 1


def _one_part(world: World) -> None:
    _paid_vendor(world)
    [attempt] = world.attempts(Kind.PAYOUT)
    copy_row(world, "attempts", attempt.id)

    assert count(world, "SELECT count(*) FROM attempts WHERE kind = 'payout'") == 1


def _booking_in_one(world: World) -> None:
    payout = _paid_vendor(world)
    by_hand(world, "UPDATE payouts SET state = 'failed'")
    copy_row(world, "payouts", payout.id, state="failed")
    by_hand(
        world,
        "INSERT INTO payout_items SELECT id, booking_id, payout_items.amount_cents, true"
        " FROM payouts, payout_items WHERE id <> payout_id",
    )

    assert count(world, "SELECT count(*) FROM payout_items WHERE live") == 1


def _never_more_than_all(world: World) -> None:
    _paid_vendor(world)
    by_hand(world, "UPDATE payouts SET paid_cents = amount_cents + 100")

    world.assert_sound()


def _whole_shillings(world: World) -> None:
    _paid_vendor(world)
    by_hand(
        world,
        "UPDATE payouts SET amount_cents = amount_cents - 50,"
        " carried_out_cents = carried_out_cents + 50",
    )

    assert count(world, "SELECT count(*) FROM payouts WHERE amount_cents % 100 <> 0") == 0


def _gone_through_after_all(world: World) -> None:
    """Given up three times, taken over by another payout, and then the first had arrived."""
    payout = _paid_vendor(world)
    tried = []
    for _ in range(3):
        [request] = world.send_due()
        assert isinstance(request, PayRequest)
        tried.append(request)
        world.failed(request.attempt_id, Reason.BAD_RECIPIENT)
        world.clock.advance(hours=12)
        world.pay_out()
    world.monday()
    [second] = world.send_due()
    assert world.paid(second.attempt_id, "SFFPAID002") is None

    outcome(lambda: world.paid(tried[0].attempt_id, "SFFPAID001"))

    assert world.balance("suspense:daraja") == kes(-40_000), "a person asks for it back"
    assert world.run(lambda tx: tx.db.get_one(Payout, payout.id)).paid_cents == 0


def _too_little(world: World) -> None:
    small = world.another_listing(price_cents=kes(100).cents)
    booking = world.hold(OTHER_CUSTOMER, small)
    world.paid(world.prompt(booking, OTHER_CUSTOMER))
    for _ in range(2):
        world.clock.set(world.due(booking))
        world.fire()

    assert world.balance(f"payable:{world.vendor.number}").cents < PAYOUT_MIN_CENTS
    assert world.monday() == [], "it waits for more"
    made = world.run(lambda tx: make_payout(tx, world.vendor.id))
    assert made is None, "whoever asks for it"


GUARDS = (
    Guard("a vendor has two payouts on the way", unique_index("uq_payouts_live"), _one_at_a_time),
    Guard(
        "a part of a payout is sent twice at once",
        unique_index("uq_attempts_open_payout"),
        _one_part,
    ),
    Guard(
        "two payouts pay for one booking",
        unique_index("uq_payout_items_live_booking"),
        _booking_in_one,
    ),
    Guard(
        "a payout counts more than it is",
        constraint("payouts", "ck_payouts_paid"),
        _never_more_than_all,
    ),
    Guard(
        "a payout has cents that M-Pesa cannot move",
        constraint("payouts", "ck_payouts_whole_shillings"),
        _whole_shillings,
    ),
    Guard(
        "what a vendor was sent twice is taken from others",
        check("a payment is still owed", settle, "is_owed", lambda *_: True),
        _gone_through_after_all,
    ),
    Guard(
        "payouts of a few shillings eat themselves up in charges",
        check("the least payout", rules, "payable_now", lambda cents: cents),
        _too_little,
    ),
)
