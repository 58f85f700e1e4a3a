"""Two that want to pay at the same moment, each story with the guard that decides it.

The second one starts while the first one's transaction is open, so that both may have seen the
same books; it ends after the first one has committed.
"""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from core.db.tx import Tx
from core.money import kes
from core.payments import attempts
from core.payments.model import Attempt, Kind
from core.payouts import details, settle, usecases
from core.payouts.model import Payout, PayoutState
from core.people.model import Vendor
from tests.core.booking.world import World
from tests.core.escrow.tools import run_sql
from tests.core.payouts.steps import fail_three_times, read, send, the_payout

WAIT_SECONDS = 10
LOOK_SECONDS = 0.01
WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def meet(world: World, first: Callable[[Tx], Any], second: Callable[[], Any]) -> Any:
    """Do the second while the first is done but not committed; return what came of the second."""
    came: list[Any] = []

    def run() -> None:
        try:
            came.append(second())
        except Exception as error:  # noqa: BLE001 -- the story looks at what came.
            came.append(error)

    other = threading.Thread(target=run, daemon=True)
    with world.database.transaction() as tx:
        first(tx)
        tx.db.flush()
        other.start()
        for _ in range(int(WAIT_SECONDS / LOOK_SECONDS)):
            other.join(LOOK_SECONDS)
            if not other.is_alive() or world.run(lambda tx: tx.db.scalar(WAITING)):
                break
    other.join(WAIT_SECONDS)
    assert not other.is_alive(), "it hangs"
    return came[0]


def make(world: World) -> Callable[[Tx], list[Payout]]:
    return lambda tx: usecases.make_payouts(tx, [world.vendor.id])


def payouts(world: World) -> list[Payout]:
    query = select(Payout).order_by(Payout.created_at)
    return world.run(lambda tx: list(tx.db.scalars(query)))


def unlocked(tx: Tx, vendor_ids: Any) -> list[Vendor]:
    """The vendors as they are, locked by nobody."""
    live = select(Payout.vendor_id).where(Payout.state.in_(["released", "held"]))
    query = select(Vendor).where(Vendor.id.in_(vendor_ids), Vendor.id.not_in(live))
    return list(tx.db.scalars(query))


def unlocked_balances(_tx: Tx, vendors: Any) -> dict[int, int]:
    return {vendor.number: kes(40_000).cents for vendor in vendors}


@pytest.mark.parametrize("weekly", [False, True], ids=["two by hand", "by hand and weekly"])
def test_two_runs_at_once_pay_once(world: World, *, weekly: bool) -> None:
    world.released()

    def second() -> Any:
        return world.monday() if weekly else world.run(make(world))

    assert meet(world, make(world), second) == [], "it waited, and there was nothing left"
    assert len(payouts(world)) == 1
    assert len(world.attempts(Kind.PAYOUT)) == 1
    world.assert_sound()


def test_without_the_vendors_lock_the_index_decides(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.released()
    monkeypatch.setattr(usecases, "_lock_without_payout", unlocked)
    monkeypatch.setattr(usecases, "_lock_balances", unlocked_balances)

    refused = meet(world, make(world), lambda: world.run(make(world)))

    assert isinstance(refused, IntegrityError)
    assert "uq_payouts_live" in str(refused)
    assert len(payouts(world)) == 1


def test_without_either_a_vendor_is_paid_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.released()
    monkeypatch.setattr(usecases, "_lock_without_payout", unlocked)
    monkeypatch.setattr(usecases, "_lock_balances", unlocked_balances)
    run_sql(
        world.database, "DROP INDEX uq_payouts_live", "DROP INDEX uq_payout_items_live_booking"
    )

    meet(world, make(world), lambda: world.run(make(world)))

    assert len(payouts(world)) == len(world.attempts(Kind.PAYOUT)) == 2


def given_up(world: World) -> tuple[Payout, UUID]:
    """A payout whose three tries have failed, and one of them."""
    world.released()
    payout = the_payout(world)
    return payout, fail_three_times(world)[0].attempt_id


def retry(world: World) -> Callable[[Tx], Payout]:
    number = world.vendor.number
    return lambda tx: usecases.retry_payout(tx, details.find_vendor(tx, number))


def test_a_retry_and_the_late_success_of_an_earlier_try_pay_once(world: World) -> None:
    payout, tried = given_up(world)

    assert meet(world, retry(world), lambda: world.paid(tried, "SFG1")) is None

    assert read(world, payout).state is PayoutState.PAID
    assert world.send_due() == [], "the new try saw it and stayed"
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    assert world.balance("suspense:daraja") == kes(0)
    world.assert_sound()


def test_a_late_success_and_the_next_payout_pay_once(world: World) -> None:
    """The new payout is not there yet when the success is told of; it is when that is booked."""
    _, tried = given_up(world)

    assert meet(world, make(world), lambda: world.paid(tried, "SFG1")) is None

    assert [payout.state for payout in payouts(world)] == [PayoutState.FAILED, PayoutState.PAID]
    assert world.send_due() == []
    assert world.balance(f"payable:{world.vendor.number}") == kes(0)
    world.assert_sound()


def test_without_the_look_before_sending_it_would_be_paid_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tried = given_up(world)
    meet(world, retry(world), lambda: world.paid(tried, "SFG1"))
    monkeypatch.setattr(attempts, "is_owed", lambda *_: True)

    world.paid(send(world).attempt_id, "SFG2")

    assert world.balance("suspense:daraja") == kes(-40_000)


def test_a_success_before_the_retry_leaves_nothing_to_try(world: World) -> None:
    payout, tried = given_up(world)

    refused = meet(
        world,
        lambda tx: settle.payout_paid(tx, tx.db.get_one(Attempt, tried)),
        lambda: world.run(retry(world)),
    )

    assert getattr(refused, "code", "") == "no_failed_payout"
    assert read(world, payout).tries == 3


def test_a_hold_and_a_worker_that_is_about_to_send(world: World) -> None:
    """Whoever comes first decides; nothing is both sent and held."""
    world.released()
    payout = the_payout(world)
    number = world.vendor.number

    def hold(tx: Tx) -> None:
        usecases.hold_by_admin(tx, details.find_vendor(tx, number), "a call first")

    sent = meet(world, hold, world.send_due)

    assert sent == []
    assert read(world, payout).state is PayoutState.HELD
    world.assert_sound()
    world.run(lambda tx: usecases.release_by_admin(tx, details.find_vendor(tx, number)))
    world.paid(send(world).attempt_id, "SFG1")
    world.assert_sound()
