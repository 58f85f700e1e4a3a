"""What a provider charges is posted once, and stands where its payment does."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from core.booking.cancel import cancel_by_vendor
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.escrow import accounts, ledger
from core.invariants.run import run_all
from core.money import kes
from core.payments import settle
from core.payments.attempts import accepted, begin
from core.payments.model import Attempt, Direction, Kind, Method
from core.reconcile.daily import look_daily
from core.reconcile.matcher import FaultKind
from core.reconcile.statement import Line, LineKind, Reading
from core.reconcile.usecases import Accounts, Taken, take
from tests.conftest import START
from tests.core.reconcile.statements import (
    CLEAN,
    DAY,
    SECOND,
    TOTAL_CENTS,
    line,
    reading,
    send_all,
    taken,
)
from tests.support.factories import (
    make_held,
    make_instant_listing,
    make_prompt,
    make_vendor,
    paid_event,
)


def test_a_charge_of_our_payment_is_posted_once(paid: Database) -> None:
    charge = line(SECOND, -1_300, kind=LineKind.CHARGE, place=3,
                  balance_cents=2 * TOTAL_CENTS - 1_300)  # fmt: skip

    result = taken(paid, reading([*CLEAN, charge]))
    taken(paid, reading([*CLEAN, charge], digest="file-2"))

    assert (result.charges, result.charges_cents, result.faults) == (1, 1_300, [])
    with paid.transaction() as tx:
        fees = ledger.balance(tx, accounts.PROVIDER_FEES)
        held = ledger.balance(tx, accounts.float_of("daraja"))
        assert (fees, held) == (kes(13), kes(133_400) - kes(13))
        assert run_all(tx) == []


def test_a_charge_with_another_amount_in_another_file_is_a_difference(paid: Database) -> None:
    def charged(cents: int) -> list[Line]:
        left = 2 * TOTAL_CENTS - cents
        charge = line(SECOND, -cents, kind=LineKind.CHARGE, place=3, balance_cents=left)
        return [*CLEAN, charge]

    taken(paid, reading(charged(1_300)))
    result = taken(paid, reading(charged(900), digest="file-2"))

    assert [fault.kind for fault in result.faults] == [FaultKind.CHARGE]
    with paid.transaction() as tx:
        assert ledger.balance(tx, accounts.PROVIDER_FEES) == kes(13)


FLUTTERWAVE: Accounts = {"settlement": {Direction.IN}, "transfers": {Direction.OUT}}
FEE = kes(20)


def export(account: str, lines: list[Line]) -> Reading:
    return reading(lines, digest=account, provider="flutterwave", account=account)


def _pay(tx: Tx, attempt: Attempt, number: str, **told: Any) -> None:
    attempt.provider, attempt.due_at = "flutterwave", tx.now
    tx.db.flush()
    begin(tx, attempt.id)
    accepted(tx, attempt.id, number)
    assert settle.apply(tx, paid_event(attempt, number, reference="4412001", **told)) is None


@pytest.mark.parametrize("method", list(Method))
def test_a_charge_that_came_with_its_payment_stands_where_the_payment_does(
    database: Database, clock: ManualClock, method: Method
) -> None:
    """And what went back to a card stands in no export at all."""
    with database.transaction() as tx:
        booking = make_held(tx, make_instant_listing(tx, make_vendor(tx)))
        came = make_prompt(tx, booking)
        _pay(tx, came, "FLW-1", fee=FEE)
        came.method = method
    database.run(lambda tx: cancel_by_vendor(tx, booking.id, booking.vendor_id))
    with database.transaction() as tx:
        back = tx.db.scalars(select(Attempt).where(Attempt.kind == Kind.RETURN)).one()
        _pay(tx, back, "4412002", fee=None if method is Method.CARD else FEE)
        send_all(tx)
    clock.advance(days=4)
    sent = [
        line("4412002", -TOTAL_CENTS, place=1),
        line("4412002", -FEE.cents, kind=LineKind.CHARGE, linked="4412002", place=2),
    ]
    stranger = line("4412009", -100, at=START - DAY, place=3)
    if method is Method.CARD:
        sent = []
    kept_back = line("FLW-1", -FEE.cents, kind=LineKind.CHARGE, place=2)

    def taken_in(given: Reading) -> Taken:
        return database.run(lambda tx: take(tx, given, FLUTTERWAVE))

    out = taken_in(export("transfers", [*sent, stranger]))
    assert [(fault.kind, fault.number) for fault in out.faults] == [
        (FaultKind.MISSING_OURS, "4412009")
    ]
    assert taken_in(export("settlement", [line("FLW-1"), kept_back])).faults == []

    clock.advance(days=40)
    look = partial(look_daily, ours={"flutterwave": FLUTTERWAVE})
    assert database.run(look) == [], "no month waits for its statement"
