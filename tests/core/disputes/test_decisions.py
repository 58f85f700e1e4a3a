"""An admin decides what becomes of the money: every shilling, and what cannot be decided."""

import pytest

from core.booking.lifecycle import State
from core.errors import BadInput
from core.limits import DISPUTE_WHY_MAX
from core.money import kes
from core.ports.money import PayRequest
from tests.core.booking.world import GOLDEN
from tests.core.disputes.court import Court
from tests.support.factories import CUSTOMER

BACK = "SFG1REFUND"

# What the admin gives the customer, what goes back, and what is kept: vendor, fee, commission,
# VAT, withholding. Halves are those of a cancellation that gives half back.
DECISIONS = (
    (100, 66_700, (0, 0, 0, 0, 0), State.CANCELLED),
    (50, 33_350, (20_000, 3_750, 3_750, 4_600, 1_250), State.COMPLETED),
    (0, 0, (40_000, 7_500, 7_500, 9_200, 2_500), State.COMPLETED),
)


@pytest.mark.parametrize(("percent", "back", "kept", "state"), DECISIONS)
def test_a_decision_puts_every_shilling_in_its_place(
    court: Court, percent: int, back: int, kept: tuple[int, ...], state: State
) -> None:
    booking = court.heard(court.begun())
    assert court.balance(f"escrow:{booking.code}") == GOLDEN

    decided = court.decide(booking, percent)

    assert (decided.refund_cents, decided.kept_cents) == (
        kes(back).cents,
        kes(66_700 - back).cents,
    )
    assert court.state(booking) is state
    assert court.booked(booking) == (0 if state is State.CANCELLED else 1)
    assert court.balance(f"escrow:{booking.code}") == kes(back)
    names = (
        f"payable:{court.vendor.number}",
        "revenue:service_fee",
        "revenue:commission",
        "tax:vat",
        "tax:withholding",
    )
    assert tuple(court.balance(name) for name in names) == tuple(kes(each) for each in kept)
    court.assert_sound()

    for sent in court.send_due():
        assert isinstance(sent, PayRequest)
        assert (sent.msisdn, sent.amount) == (CUSTOMER, kes(back))
        assert court.paid(sent.attempt_id, BACK) is None
    assert court.balance(f"escrow:{booking.code}") == kes(0)
    assert court.balance("float:daraja") == GOLDEN - kes(back)
    told = court.notice("dispute_resolved_vendor")
    assert (told["refund_cents"], told["kept_cents"]) == (kes(back).cents, kes(kept[0]).cents)
    assert court.notice("dispute_resolved_customer")["refund_cents"] == kes(back).cents
    assert court.fire() == [], "nothing more happens by itself"
    court.assert_sound()

    paid = [payout.amount_cents for payout in court.monday()]
    assert paid == ([kes(kept[0]).cents] if kept[0] else [])
    court.assert_sound()


def test_a_share_of_odd_cents_is_raised_for_the_customer(court: Court) -> None:
    booking = court.heard(court.begun())

    decided = court.decide(booking, 33)

    assert decided.refund_cents == kes(22_011).cents
    assert decided.kept_cents == kes(44_689).cents
    court.assert_sound()


def test_a_share_that_is_all_ends_the_booking(court: Court) -> None:
    cheap = court.another_listing(price_cents=kes(1).cents)
    booking = court.hold(listing=cheap)
    court.paid(court.prompt(booking))
    court.clock.set(booking.starts_at)
    court.heard(booking)

    assert court.decide(booking, 99).kept_cents == 0

    assert court.state(booking) is State.CANCELLED
    court.assert_sound()


def test_a_decision_that_cannot_be_is_refused_with_its_field(court: Court) -> None:
    booking = court.heard(court.begun())

    for percent, why, field in (
        (101, "So", "customer_percent"),
        (-1, "So", "customer_percent"),
        (50, "  ", "why"),
        (50, "x" * (DISPUTE_WHY_MAX + 1), "why"),
    ):
        with pytest.raises(BadInput) as refused:
            court.decide(booking, percent, why)
        assert refused.value.data["field"] == field

    assert court.state(booking) is State.DISPUTED
    court.assert_sound()
