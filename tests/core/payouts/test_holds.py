"""Who is not paid now, why, until when, and who is told."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.cases.model import Case
from core.cases.sweep import sweep
from core.errors import BadInput, NotFound, Refused
from core.limits import (
    PAYOUT_CHANGED_SECONDS,
    PAYOUT_HELD_AGAIN_SECONDS,
    PAYOUT_RETRY_SECONDS,
)
from core.money import kes
from core.outbox import Notice
from core.payments.attempts import begin
from core.payments.model import Kind
from core.payouts import details, usecases
from core.payouts.holds import Hold, hold_of
from core.payouts.model import HoldReason, PayoutState
from core.payouts.queries import earnings, payouts_waiting
from core.payouts.rules import next_run
from core.people.model import PayoutMethod, Vendor, VendorStatus
from core.ports.money import PayRequest, Reason
from core.ports.providers import Routes
from tests.conftest import START
from tests.core.booking.world import World
from tests.core.escrow.tools import run_sql
from tests.core.payouts.steps import fail_three_times, lost, read, send, the_payout
from tests.support.factories import VENDOR

NEW = "+254700000077"
ACCOUNT = {"bank": "68", "account": "0123456789", "name": "Baraka Gardens"}
IN_THE_WAY: Mapping[str, tuple[dict[str, Any], HoldReason]] = {
    "restricted": ({"status": VendorStatus.RESTRICTED}, HoldReason.RESTRICTED),
    "by an admin": ({"payouts_held_why": "odd bookings"}, HoldReason.ADMIN),
    "papers": ({"kyc_verified_at": None}, HoldReason.KYC),
    "no method": ({"payout_method": None}, HoldReason.NO_DETAILS),
    "no place": ({"payout_sealed": None}, HoldReason.NO_DETAILS),
    "not checked": ({"payout_verified_at": None}, HoldReason.UNVERIFIED),
    "nobody pays to banks": ({"payout_method": PayoutMethod.BANK}, HoldReason.NO_ROUTE),
}


def change(world: World, **values: Any) -> None:
    def write(tx: Any) -> None:
        for name, value in values.items():
            setattr(tx.db.get_one(Vendor, world.vendor.id), name, value)

    world.run(write)


def change_details(world: World, msisdn: str = NEW) -> Vendor:
    number, place = world.vendor.number, {"msisdn": msisdn}
    return world.run(lambda tx: details.change_details(tx, number, PayoutMethod.MPESA, place))


def verify(world: World, *, kyc: bool = False, payout: bool = False) -> None:
    world.run(lambda tx: details.verify(tx, world.vendor.number, kyc=kyc, payout=payout))


def as_admin(world: World, act: Any, *more: Any) -> Any:
    return world.run(lambda tx: act(tx, details.find_vendor(tx, world.vendor.number), *more))


def recipients(world: World) -> list[str]:
    return [attempt.msisdn for attempt in world.attempts(Kind.PAYOUT)]


def good_vendor(**over: Any) -> Vendor:
    values: dict[str, Any] = {
        "status": VendorStatus.ACTIVE,
        "kyc_verified_at": START,
        "payout_method": PayoutMethod.MPESA,
        "payout_sealed": b"sealed",
        "payout_verified_at": START,
    }
    return Vendor(**values | over)


@pytest.mark.parametrize(("over", "reason"), IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_is_in_the_way_of_a_payout(over: dict[str, Any], reason: HoldReason) -> None:
    assert hold_of(good_vendor(**over), Routes(), START) == Hold(reason)


def test_nothing_is_in_the_way_of_a_vendor_who_was_checked() -> None:
    assert hold_of(good_vendor(), Routes(), START) is None
    to_bank = good_vendor(payout_method=PayoutMethod.BANK)
    assert hold_of(to_bank, Routes(bank=("flutterwave",)), START) is None


def test_details_of_the_past_three_days_are_in_the_way_until_they_are_over() -> None:
    changed = good_vendor(payout_changed_at=START)
    ends = START + timedelta(seconds=PAYOUT_CHANGED_SECONDS)

    assert hold_of(changed, Routes(), ends - timedelta(seconds=1)) == Hold(
        HoldReason.CHANGED, ends
    )
    assert hold_of(changed, Routes(), ends) is None


def test_whoever_may_not_be_paid_is_told_why_and_keeps_the_money(world: World) -> None:
    world.released()
    change(world, payout_sealed=None)

    payout = the_payout(world)

    assert (payout.state, payout.hold_reason) == (PayoutState.HELD, HoldReason.NO_DETAILS)
    assert world.send_due() == [], "nothing leaves"
    assert world.balance(f"payable:{world.vendor.number}") == kes(40_000)
    assert world.notice("payout_held")["reason"] == "no_details"
    shown = world.run(lambda tx: earnings(tx, world.vendor.id))
    assert shown.hold == Hold(HoldReason.NO_DETAILS)
    [waiting] = world.run(payouts_waiting)
    assert waiting.payout.id == payout.id
    assert world.monday() == [], "one live payout at the most"
    world.assert_sound()


def test_whatever_else_ends_a_hold_is_seen_a_day_later(world: World) -> None:
    world.released()
    change(world, status=VendorStatus.RESTRICTED)
    payout = the_payout(world)
    change(world, status=VendorStatus.ACTIVE)
    world.pay_out()
    assert read(world, payout).state is PayoutState.HELD

    world.clock.advance(seconds=PAYOUT_HELD_AGAIN_SECONDS)
    world.pay_out()

    assert read(world, payout).state is PayoutState.RELEASED
    assert world.told(VENDOR).count("payout_held") == 1


def test_what_was_checked_goes_out_at_once(world: World) -> None:
    change(world, kyc_verified_at=None, payout_verified_at=None)
    world.released()
    payout = the_payout(world)
    world.run(sweep)

    verify(world, kyc=True)
    assert read(world, payout).hold_reason is HoldReason.UNVERIFIED, "one thing still is"
    assert world.send_due() == []
    verify(world, payout=True)

    world.paid(send(world).attempt_id, "SFG1")
    assert read(world, payout).state is PayoutState.PAID
    assert world.told(VENDOR).count("payout_held") == 2, "once for each reason"
    world.run(sweep)
    case = world.run(lambda tx: tx.db.scalars(select(Case)).one())
    assert (case.kind, case.state) == ("payout_held", "closed")
    world.assert_sound()


def test_a_change_is_told_to_whoever_was_paid_before(world: World) -> None:
    change_details(world)
    assert (world.told(VENDOR), world.told(NEW)) == (["payout_changed"], [])
    assert world.notice("payout_changed") == {
        "to_bank": False,
        "ending": "077",
        "vendor": world.vendor.number,
    }

    world.clock.advance(hours=1)
    change_details(world, VENDOR)
    assert world.told(NEW) == ["payout_changed"], "the number that would have been paid"


def test_details_of_yesterday_are_not_used_before_three_days_are_over(world: World) -> None:
    world.released()
    world.clock.set(next_run(world.clock.now()) - timedelta(hours=1))
    changed_at = world.clock.now()
    change_details(world)
    verify(world, payout=True)

    payout = the_payout(world)
    assert (payout.state, payout.hold_reason) == (PayoutState.HELD, HoldReason.CHANGED)
    ends = changed_at + timedelta(seconds=PAYOUT_CHANGED_SECONDS)
    assert payout.due_at == ends
    assert world.notice("payout_held")["until"] == ends.isoformat()
    world.clock.set(ends - timedelta(seconds=1))
    world.pay_out()
    assert read(world, payout).state is PayoutState.HELD
    world.clock.set(ends)
    world.pay_out()

    assert read(world, payout).state is PayoutState.RELEASED, "nobody had to act"
    assert recipients(world) == [NEW]
    world.assert_sound()


def test_a_payout_on_its_way_is_never_redirected(world: World) -> None:
    """The first try fails; before the second the details change: it goes where the first went."""
    world.released()
    the_payout(world)
    world.failed(send(world).attempt_id, Reason.BUSY)

    change_details(world)
    world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
    world.pay_out()

    assert recipients(world) == [VENDOR, VENDOR]
    world.paid(send(world).attempt_id, "SFG1")
    world.released("SFF2")
    held = the_payout(world)
    assert held.hold_reason is HoldReason.UNVERIFIED, "the next one is asked about"
    world.assert_sound()


def test_without_the_frozen_recipient_it_would_be(world: World) -> None:
    """What the copy on the payout is for."""
    world.released()
    payout = the_payout(world)
    world.failed(send(world).attempt_id, Reason.BUSY)
    change_details(world)
    run_sql(
        world.database,
        "UPDATE payouts SET recipient_sealed = payout_sealed FROM vendors"
        " WHERE vendors.id = vendor_id",
    )
    world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
    world.pay_out()

    assert recipients(world) == [VENDOR, NEW]
    assert read(world, payout).state is PayoutState.RELEASED


def test_the_database_lets_nothing_out_without_a_place_to_go(world: World) -> None:
    world.released()
    the_payout(world)
    with pytest.raises(IntegrityError, match="ck_payouts_recipient"):
        run_sql(world.database, "UPDATE payouts SET recipient_sealed = NULL")


def test_an_admin_holds_what_is_planned_and_lets_it_go_again(world: World) -> None:
    world.released()
    payout = the_payout(world)

    as_admin(world, usecases.hold_by_admin, "the customer says it never happened")
    assert world.send_due() == [], "it was planned, not sent"
    assert read(world, payout).state is PayoutState.HELD
    world.assert_sound()

    assert as_admin(world, usecases.release_by_admin) is None
    world.paid(send(world).attempt_id, "SFG1")
    assert read(world, payout).state is PayoutState.PAID
    world.assert_sound()


def test_what_was_sent_cannot_be_held_but_what_would_follow_is(world: World) -> None:
    world.released()
    payout = the_payout(world)
    sent = send(world)

    as_admin(world, usecases.hold_by_admin, "a call to the vendor first")
    assert read(world, payout).state is PayoutState.RELEASED
    world.failed(sent.attempt_id, Reason.LIMIT)

    assert read(world, payout).state is PayoutState.HELD
    world.clock.advance(days=1)
    world.pay_out()
    assert len(recipients(world)) == 1
    world.assert_sound()


def test_what_may_have_gone_out_is_asked_about_before_what_would_follow_is_held(
    world: World,
) -> None:
    """Its answer was lost; held at once, nobody could tell whether anything is under way."""
    world.released()
    payout = the_payout(world)
    attempt_id = lost(world)
    as_admin(world, usecases.hold_by_admin, "a call to the vendor first")

    world.clock.advance(hours=2)
    assert not isinstance(world.run(lambda tx: begin(tx, attempt_id)), PayRequest)

    assert read(world, payout).state is PayoutState.RELEASED
    world.assert_sound()
    world.failed(attempt_id, Reason.OTHER)
    assert read(world, payout).state is PayoutState.HELD
    world.assert_sound()


def test_a_success_is_a_success_though_it_was_to_be_held(world: World) -> None:
    world.released()
    payout = the_payout(world)
    sent = send(world)
    as_admin(world, usecases.hold_by_admin, "too late")
    world.paid(sent.attempt_id, "SFG1")

    assert (read(world, payout).state, read(world, payout).hold_reason) == (
        PayoutState.PAID,
        None,
    )
    world.assert_sound()


def test_nobody_sends_money_to_a_place_that_was_not_verified(world: World) -> None:
    world.released()
    the_payout(world)
    fail_three_times(world)
    change_details(world)

    for act in (usecases.release_by_admin, usecases.retry_payout):
        with pytest.raises(Refused) as refused:
            as_admin(world, act)
        assert refused.value.code == "payout_held"
        assert refused.value.data == {"reason": "unverified"}
    assert len(recipients(world)) == 3


PLACES: tuple[tuple[PayoutMethod, dict[str, str], str | None], ...] = (
    (PayoutMethod.BANK, {**ACCOUNT, "bank": "KCB"}, "bank"),
    (PayoutMethod.BANK, {**ACCOUNT, "account": "12 34"}, "account"),
    (PayoutMethod.BANK, {**ACCOUNT, "account": "1" * 21}, "account"),
    (PayoutMethod.BANK, {**ACCOUNT, "name": ""}, "name"),
    (PayoutMethod.BANK, {}, "bank"),
    (PayoutMethod.MPESA, {"msisdn": "+442071838750"}, None),
    (PayoutMethod.MPESA, {}, None),
)


def test_a_place_that_cannot_be_is_refused_by_its_name(world: World) -> None:
    number = world.vendor.number
    for method, given, field in PLACES:
        with world.database.transaction() as tx, pytest.raises(BadInput) as refused:
            details.change_details(tx, number, method, given)
        assert refused.value.data.get("field") == field


def test_the_same_place_is_no_change_and_an_unknown_vendor_none_either(world: World) -> None:
    with pytest.raises(Refused, match="same_details"):
        change_details(world, VENDOR)
    with pytest.raises(NotFound, match="no_vendor"):
        world.run(lambda tx: details.verify(tx, 999, kyc=True, payout=False))
    assert world.run(lambda tx: tx.db.scalars(select(Notice)).all()) == []


def test_a_bank_account_is_held_sealed(world: World) -> None:
    number = world.vendor.number
    changed = world.run(lambda tx: details.change_details(tx, number, PayoutMethod.BANK, ACCOUNT))
    assert changed.payout_sealed is not None
    assert b"0123456789" not in changed.payout_sealed
    sealed = changed.payout_sealed
    assert world.run(lambda tx: tx.vault.open(sealed)) == ACCOUNT
    assert world.notice("payout_changed") == {
        "to_bank": True,
        "ending": "789",
        "vendor": world.vendor.number,
    }
