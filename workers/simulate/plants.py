"""Faults that are planted on purpose, to show that a simulated year finds them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import insert

from core.db.tx import Tx
from core.money import Money
from core.payments import receipts
from core.payments.model import Attempt, Direction, Receipt


@contextmanager
def receipt_uniqueness(engine: Engine) -> Iterator[None]:
    """Take away what makes a receipt count once: the unique index, and the check before it."""

    def keep(
        tx: Tx,
        provider: str,
        number: str,
        direction: Direction,
        amount: Money,
        *,
        attempt: Attempt | None = None,
        account: str | None = None,
        payer: str | None = None,
    ) -> Receipt | None:
        kept = tx.db.execute(
            insert(Receipt)
            .values(
                id=tx.ids.uuid(),
                provider=provider,
                number=number,
                direction=direction,
                amount_cents=amount.cents,
                attempt_id=attempt.id if attempt else None,
                booking_id=attempt.booking_id if attempt else None,
                suspense=False,
                account=account,
                payer=payer,
                at=tx.now,
            )
            .returning(Receipt.id)
        ).one()
        return tx.db.get_one(Receipt, kept[0])

    guarded = receipts.keep
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX uq_receipts_provider_number"))
    receipts.keep = keep
    try:
        yield
    finally:
        receipts.keep = guarded


PLANTS: Mapping[str, Callable[[Engine], AbstractContextManager[None]]] = {
    "receipt-uniqueness": receipt_uniqueness
}
