"""Money on its way back: to whom, over which payments, in how many parts, and how much."""

import pytest

from core.booking import cancel
from core.booking.model import Booking
from core.errors import Refused
from core.limits import B2C_MIN_CENTS, MPESA_MAX_CENTS
from core.money import Money, kes
from core.payments import refunds
from core.payments.model import Receipt
from tests.core.booking.world import GOLDEN, World
from tests.core.escrow.tools import run_sql
from tests.core.payments.refunding import BACK, cases, plan, refunds_of
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER


def test_it_goes_to_the_phone_that_paid_not_to_the_one_that_booked(world: World) -> None:
    booking = world.hold()
    world.paid(world.prompt(booking, OTHER_CUSTOMER))
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))

    [request] = world.send_due()

    assert (request.msisdn, request.amount) == (OTHER_CUSTOMER, GOLDEN)
    assert "money_returned" not in world.told(CUSTOMER)
    world.paid(request.attempt_id, BACK)
    assert world.told(CUSTOMER)[-1] == "money_returned"
    assert world.notice("money_returned")["ending"] == OTHER_CUSTOMER[-3:], "it is not theirs"


def test_a_payer_whom_the_paybill_hides_is_the_one_who_booked(world: World) -> None:
    booking = world.hold()
    assert world.paybill(booking.code, GOLDEN, payer=None) is None
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))

    [request] = world.send_due()

    assert request.msisdn == CUSTOMER
    world.paid(request.attempt_id, BACK)
    assert world.notice("money_returned")["ending"] is None


def raised(world: World, booking: Booking, cents: int) -> None:
    """Make a paid booking as if it had cost more: no single payment carries it today."""
    extra = cents - booking.total_cents
    statement = (
        "UPDATE bookings SET total_cents = total_cents + {0}, rounding_cents = {0},"
        f" received_cents = received_cents + {{0}} WHERE code = '{booking.code}'; "
        "UPDATE receipts SET amount_cents = amount_cents + {0}"
    )
    run_sql(world.database, statement.format(extra))


@pytest.mark.parametrize(
    ("cents", "parts"),
    [
        (MPESA_MAX_CENTS, [MPESA_MAX_CENTS]),
        (MPESA_MAX_CENTS + 100, [MPESA_MAX_CENTS - B2C_MIN_CENTS, B2C_MIN_CENTS + 100]),
        (2 * MPESA_MAX_CENTS + 5_000_000, [MPESA_MAX_CENTS, MPESA_MAX_CENTS, 5_000_000]),
    ],
)
def test_what_one_payment_cannot_carry_goes_in_parts(
    world: World, cents: int, parts: list[int]
) -> None:
    booking = world.confirmed()
    raised(world, booking, cents)

    plan(world, booking, Money(cents))

    assert [each.amount.cents for each in world.send_due()] == parts


def test_refunds_go_back_over_the_payments_newest_first_each_up_to_what_it_brought(
    world: World,
) -> None:
    booking = world.confirmed()
    world.clock.advance(hours=1)
    world.run(
        lambda tx: tx.db.add(
            Receipt(
                id=tx.ids.uuid(),
                provider="daraja",
                number="SFF6XYQ2CD",
                direction="in",
                amount_cents=kes(10_000).cents,
                booking_id=booking.id,
                suspense=False,
                payer=OTHER_CUSTOMER,
                at=tx.now,
            )
        )
    )

    made = plan(world, booking, kes(15_000)) + plan(world, booking, kes(51_700))

    assert [(each.msisdn, each.amount_cents) for each in made] == [
        (OTHER_CUSTOMER, kes(10_000).cents),
        (CUSTOMER, kes(5_000).cents),
        (CUSTOMER, kes(51_700).cents),
    ]


def test_less_than_mpesa_sends_is_a_case_at_once(world: World) -> None:
    booking = world.confirmed()

    plan(world, booking, kes(9))

    assert world.send_due() == []
    assert cases(world) == 1
    [waiting] = world.run(refunds.failed_refunds)
    with pytest.raises(Refused, match="too_small"):
        world.run(lambda tx: refunds.retry_refund(tx, waiting.id))


def test_more_than_is_left_is_refused(world: World) -> None:
    booking = world.confirmed()
    plan(world, booking, kes(60_000))

    with pytest.raises(Refused, match="over_refund") as refused:
        plan(world, booking, kes(6_701))

    assert refused.value.data == {"left_cents": kes(6_700).cents}
    assert len(refunds_of(world, booking)) == 1
    plan(world, booking, kes(6_700))


@pytest.mark.parametrize("when", ["unpaid", "released", "cancelled"])
def test_what_is_not_in_escrow_any_more_or_not_yet_is_not_given_back(
    world: World, when: str
) -> None:
    booking = world.hold() if when == "unpaid" else world.confirmed()
    if when == "released":
        for _ in range(2):
            world.clock.set(world.due(booking))
            world.fire()
    if when == "cancelled":
        world.run(lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id))
    before = len(refunds_of(world, booking))

    with pytest.raises(Refused, match="over_refund") as refused:
        plan(world, booking, kes(100))

    assert refused.value.data == {"left_cents": 0}
    assert len(refunds_of(world, booking)) == before
    world.assert_sound()


def test_a_booking_whose_money_went_back_in_part_releases_the_rest(world: World) -> None:
    """Half of it went back; the vendor has the service's other half."""
    booking = world.confirmed()
    plan(world, booking, kes(33_350))
    for _ in range(2):
        world.clock.set(world.due(booking))
        world.fire()

    assert world.balance(f"payable:{world.vendor.number}") == kes(20_000)
    assert world.balance(f"escrow:{booking.code}") == kes(33_350)
    world.assert_sound()
    [payout] = world.monday()
    assert payout.amount_cents == kes(20_000).cents
