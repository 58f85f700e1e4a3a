"""What the ledger's stories share: golden money, a way past Python, threads that start as one."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text

from core.db.tx import Database, Tx
from core.escrow import ledger, postings
from core.escrow.transfer import Leg, Transfer, TransferKind
from core.money import kes
from core.pricing.rules import Rates, quote

RATES = Rates(service_fee=1500, commission=1500, vat=1600, withholding=500)
PRICE = quote(kes(50_000), RATES)
CODE = "K7P4Q"
VENDOR = 12
BOOKING = UUID(int=7)
THREAD_SECONDS = 30


def pay(database: Database, code: str = CODE, reference: str = "SFF6XYQ1") -> UUID:
    """The golden customer pays."""
    with database.transaction() as tx:
        return ledger.post(
            tx,
            postings.paid(code, "daraja", PRICE.total, reference=reference, booking_id=BOOKING),
        )


def release(database: Database, code: str = CODE, vendor: int = VENDOR) -> UUID:
    with database.transaction() as tx:
        return ledger.post(tx, postings.released(code, vendor, PRICE, booking_id=BOOKING))


def move(key: str, debit: str, credit: str, shillings: int = 100) -> Transfer:
    """A transfer between any two accounts."""
    amount = kes(shillings)
    return Transfer(key, TransferKind.PAID, (Leg(debit, amount), Leg(credit, -amount)))


def post_raw(
    tx: Tx,
    key: str,
    legs: list[tuple[str, int]],
    kind: str = "paid",
    currencies: list[str] | None = None,
) -> UUID:
    """Post by SQL alone, past every check of Python."""
    content: dict[str, Any] = {
        "id": tx.ids.uuid(),
        "key": key,
        "digest": key.encode(),
        "kind": kind,
        "booking_id": None,
        "posted_at": tx.now,
        "paths": [account for account, _ in legs],
        "currencies": currencies or ["KES"] * len(legs),
        "amounts": [cents for _, cents in legs],
    }
    transfer_id: UUID = tx.db.execute(ledger.POST, content).scalar_one()
    return transfer_id


def run_sql(database: Database, *statements: str) -> None:
    """Commit some SQL."""
    with database.transaction() as tx:
        for statement in statements:
            tx.db.connection().exec_driver_sql(statement)


def number(database: Database, query: str) -> int:
    with database.transaction() as tx:
        return int(tx.db.execute(text(query)).scalar_one())


def rewrite(database: Database, function: str, before: str, after: str) -> None:
    """Change a function of this test's own database, to show what a part of it is for."""
    with database.transaction() as tx:
        source = tx.db.execute(
            text("SELECT pg_get_functiondef(CAST(:name AS regproc))"), {"name": function}
        ).scalar_one()
        assert source.count(before) == 1, "the guard has moved"
        tx.db.connection().exec_driver_sql(source.replace(before, after).replace("%", "%%"))


def together(count: int, work: Callable[[int], Any], seconds: float = THREAD_SECONDS) -> list[Any]:
    """Run work in threads that start as one; return results, or what was raised, by number."""
    start = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(i: int) -> None:
        start.wait(THREAD_SECONDS)
        try:
            results[i] = work(i)
        except Exception as error:  # noqa: BLE001 -- the test looks at what came.
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive(), "a thread hangs"
    return results
