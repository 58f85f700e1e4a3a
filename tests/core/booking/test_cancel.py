"""Cancelling what was paid for: who may, what goes back, and what becomes of the rest."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from core.booking import cancel
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.offers import choose_policy
from core.booking.policy import POLICIES
from core.db.tx import Tx
from core.errors import BadInput, IllegalMove, NotFound, Refused
from core.money import Money, kes
from core.people.penalties import penalties_of
from core.ports.money import PayRequest
from tests.core.booking.world import GOLDEN, World
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER, VENDOR, make_vendor

BACK = "SFG1REFUND"


def before_start(world: World, booking: Booking, **length: float) -> None:
    world.clock.set(booking.starts_at - timedelta(**length))


def by_customer(world: World, booking: Booking, shown: Money | None = None) -> Booking:
    return world.run(
        lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id, shown)
    )


def by_vendor(world: World, booking: Booking) -> Booking:
    return world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))


def by_admin(world: World, booking: Booking, reason: str = "Flood", **more: Any) -> Booking:
    return world.run(lambda tx: cancel.cancel_by_admin(tx, booking.id, None, reason, **more))


# How long before the start, what goes back, and what is kept: vendor, fee, commission, VAT,
# withholding.
STORIES = (
    (49, 53_360, (8_000, 1_500, 1_500, 1_840, 500)),
    (47, 33_350, (20_000, 3_750, 3_750, 4_600, 1_250)),
    (25, 33_350, (20_000, 3_750, 3_750, 4_600, 1_250)),
    (23, 0, (40_000, 7_500, 7_500, 9_200, 2_500)),
)


@pytest.mark.parametrize(("hours", "back", "kept"), STORIES)
def test_a_customer_cancels_and_every_shilling_finds_its_place(
    world: World, hours: int, back: int, kept: tuple[int, ...]
) -> None:
    booking = world.confirmed()
    before_start(world, booking, hours=hours)

    cancelled = by_customer(world, booking)

    assert cancelled.state is State.CANCELLED
    assert world.booked(booking) == 0, "the day is free again"
    assert world.balance(f"escrow:{booking.code}") == kes(back)
    names = (
        f"payable:{world.vendor.number}",
        "revenue:service_fee",
        "revenue:commission",
        "tax:vat",
        "tax:withholding",
    )
    assert tuple(world.balance(name) for name in names) == tuple(kes(each) for each in kept)
    world.assert_sound()

    sent = world.send_due()
    assert [(each.msisdn, each.amount) for each in sent] == (
        [(CUSTOMER, kes(back))] if back else []
    )
    for each in sent:
        assert isinstance(each, PayRequest)
        assert world.paid(each.attempt_id, BACK) is None
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.balance("float:daraja") == GOLDEN - kes(back)
    assert world.told(CUSTOMER)[-1] == ("money_returned" if back else "cancelled_customer")
    assert world.told(VENDOR)[-1] == "cancelled_vendor"
    assert world.notice("cancelled_vendor")["kept_cents"] == kes(kept[0]).cents
    assert world.moves(booking)[-1] == ("cancel", "confirmed", "cancelled", "customer")
    assert world.fire() == [], "nothing more happens by itself"
    world.assert_sound()


def test_the_vendors_part_goes_out_with_the_next_payout(world: World) -> None:
    booking = world.confirmed()
    before_start(world, booking, hours=47)
    by_customer(world, booking)
    [refund] = world.send_due()
    world.paid(refund.attempt_id, BACK)

    [payout] = world.monday()
    assert payout.amount_cents == kes(20_000).cents
    [sent] = world.send_due()
    assert world.paid(sent.attempt_id, "SFG1PAYOUT") is None

    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    assert world.state(booking) is State.CANCELLED
    assert world.moves(booking)[-1] == ("paid_out", "cancelled", "cancelled", "provider")
    world.clock.advance(days=7)
    assert world.monday() == [], "it is paid once"
    world.assert_sound()


def test_a_full_refund_leaves_the_vendor_nothing_to_be_paid(world: World) -> None:
    by_vendor(world, world.confirmed())

    assert world.monday() == []


def test_what_was_shown_is_what_is_done(world: World) -> None:
    booking = world.confirmed()
    before_start(world, booking, hours=48)
    shown = world.run(lambda tx: cancel.preview(tx, world_booking(tx, booking)))
    assert (shown.refund, shown.then) == (kes(53_360), kes(33_350))
    assert shown.drops_at == world.clock.now()
    world.clock.advance(seconds=1)

    with pytest.raises(Refused, match="refund_changed") as refused:
        by_customer(world, booking, shown.refund)

    assert refused.value.data == {"refund_cents": kes(33_350).cents}
    assert world.state(booking) is State.CONFIRMED
    assert by_customer(world, booking, kes(33_350)).state is State.CANCELLED


def world_booking(tx: Tx, booking: Booking) -> Booking:
    return tx.db.get_one(Booking, booking.id)


def test_the_policy_is_the_one_that_was_frozen(world: World) -> None:
    number = world.listing.number
    world.run(lambda tx: choose_policy(tx, number, "catering"))
    booking = world.confirmed()
    world.run(lambda tx: choose_policy(tx, number, "strict"))
    before_start(world, booking, hours=80)

    by_customer(world, booking)

    assert booking.policy == POLICIES["catering"]
    assert world.balance(f"escrow:{booking.code}") == kes(50_025)
    world.assert_sound()


def test_a_policy_that_has_no_name_of_ours_is_refused(world: World) -> None:
    with pytest.raises(BadInput, match="no_policy") as refused:
        world.run(lambda tx: choose_policy(tx, world.listing.number, "generous"))

    assert refused.value.data["field"] == "policy"
    assert "standard" in refused.value.data["known"]


def test_nobody_cancels_for_somebody_else(world: World) -> None:
    booking = world.confirmed()
    other = world.confirmed("SFF6XYQ2CD", OTHER_CUSTOMER, in_days=12)
    stranger = world.run(lambda tx: make_vendor(tx, "+254700000013", "Others").id)

    for use_case, somebody in (
        (cancel.cancel_by_customer, other.customer_id),
        (cancel.cancel_by_vendor, stranger),
    ):
        with pytest.raises(NotFound):
            world.run(lambda tx, do=use_case, who=somebody: do(tx, booking.id, who))
    assert world.state(booking) is State.CONFIRMED


def test_a_customer_cannot_cancel_what_has_begun(world: World) -> None:
    booking = world.confirmed()
    world.clock.set(booking.starts_at)

    with pytest.raises(Refused, match="already_begun"):
        by_customer(world, booking)


@pytest.mark.parametrize("do", [by_customer, by_vendor, by_admin])
@pytest.mark.parametrize("when", ["unpaid", "cancelled", "done"])
def test_what_is_not_paid_for_or_is_over_cannot_be_cancelled(
    world: World, do: Any, when: str
) -> None:
    booking = world.hold() if when == "unpaid" else world.confirmed()
    if when == "cancelled":
        by_customer(world, booking)
    if when == "done":
        world.clock.set(world.due(booking))
        world.fire()
    before = (world.notices(), world.balance(f"escrow:{booking.code}"))

    with pytest.raises(IllegalMove):
        do(world, booking)

    assert (world.notices(), world.balance(f"escrow:{booking.code}")) == before
    assert world.run(lambda tx: penalties_of(tx, booking.vendor_id)) == 0
    world.assert_sound()


def test_a_vendor_who_cancels_pays_with_a_penalty_and_the_customer_gets_all_back(
    world: World,
) -> None:
    booking = world.confirmed()
    before_start(world, booking, hours=1)

    by_vendor(world, booking)

    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    assert world.balance("revenue:service_fee") == kes(0)
    assert world.run(lambda tx: penalties_of(tx, booking.vendor_id)) == 1
    told = world.notice("cancelled_customer")
    assert (told["by"], told["refund_cents"]) == ("vendor", GOLDEN.cents)
    assert world.notice("cancelled_vendor")["penalties"] == 1
    [sent] = world.send_due()
    assert (sent.msisdn, sent.amount) == (CUSTOMER, GOLDEN)
    world.assert_sound()


def test_an_admin_cancels_for_a_reason_that_is_kept(world: World) -> None:
    admin = UUID(int=7)
    first, second = world.confirmed(), world.confirmed("SFF6XYQ2CD", in_days=11)
    before_start(world, first, hours=30)

    with pytest.raises(Refused, match="no_reason"):
        by_admin(world, first, "  ")
    world.run(lambda tx: cancel.cancel_by_admin(tx, first.id, admin, "The  roof\nfell in"))
    by_admin(world, second, "Asked by phone", by_policy=True)

    assert world.balance(f"escrow:{first.code}") == GOLDEN
    assert world.balance(f"escrow:{second.code}") == kes(53_360)
    assert world.run(lambda tx: penalties_of(tx, first.vendor_id)) == 0
    assert world.moves(first)[-1] == ("cancel", "confirmed", "cancelled", "admin")
    world.assert_sound()


def test_a_second_payment_never_revives_what_was_paid_and_cancelled(world: World) -> None:
    booking = world.confirmed()
    by_customer(world, booking)

    assert world.paybill(booking.code, GOLDEN, "SFF6XYQ2CD") is None

    assert world.state(booking) is State.CANCELLED
    assert world.booked(booking) == 0
    sent = {each.amount for each in world.send_due()}
    assert sent == {kes(53_360), GOLDEN}, "the refund, and the second payment whole"
    world.assert_sound()


def test_the_day_that_is_free_again_can_be_booked(world: World) -> None:
    booking = world.confirmed()
    by_customer(world, booking)

    again = world.confirmed("SFF6XYQ2CD", OTHER_CUSTOMER)

    assert again.starts_on == booking.starts_on
    assert world.state(again) is State.CONFIRMED
    world.assert_sound()


def test_the_database_lets_no_booking_give_back_more_than_it_took(world: World) -> None:
    booking = world.confirmed()

    with pytest.raises(Exception, match="ck_bookings_refunds"):
        world.run(
            lambda tx: tx.db.execute(
                update(Booking)
                .where(Booking.id == booking.id)
                .values(refunds_cents=GOLDEN.cents + 1)
            )
        )
