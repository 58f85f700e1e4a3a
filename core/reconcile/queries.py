"""How far the books are confirmed by statements, and what is not."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select, text

from core.db.tx import Tx
from core.limits import STATEMENT_LATE_SECONDS
from core.payments.model import Direction, Receipt
from core.reconcile.places import Accounts, is_a_difference, is_shown, moves_there

SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account with a provider.

    Attributes:
        provider: whose it is.
        account: its shortcode.
        until: the end of the last statement taken in; None when there was none.
        closing_cents: what it held then by the provider's word; None when balances are absent.
        moved_cents: what our receipts have moved since, in positive.
    """

    provider: str
    account: str
    until: datetime | None
    closing_cents: int | None
    moved_cents: int

    @property
    def expected_cents(self) -> int | None:
        """What the provider should say that the account holds now."""
        return None if self.closing_cents is None else self.closing_cents + self.moved_cents


@dataclass(frozen=True, slots=True)
class OpenItems:
    """What the float is made of that no statement has confirmed in three days, and no case names.

    Attributes:
        receipts: how many.
        in_cents: what came by them.
        out_cents: what went by them.
    """

    receipts: int
    in_cents: int
    out_cents: int


LAST = text(
    "SELECT DISTINCT ON (provider, account) provider, account, ends, closing_cents"
    " FROM statements ORDER BY provider, account, ends DESC LIMIT :most"
)

_SIGNED = case((Receipt.direction == Direction.IN, 1), else_=-1) * Receipt.amount_cents


def account_views(tx: Tx, ours: Mapping[str, Accounts]) -> list[AccountView]:
    """Return each of our accounts with what it should hold.

    Args:
        tx: the transaction.
        ours: our accounts by provider.
    """
    last = {(row.provider, row.account): row for row in tx.db.execute(LAST, {"most": SHOWN_MAX})}
    views = []
    for provider, its in ours.items():
        for account, ways in its.items():
            row = last.get((provider, account))
            moved = 0
            if row is not None:
                moved = _moved_cents(tx, provider, ways, row.ends)
            views.append(
                AccountView(
                    provider, account, row.ends if row else None,
                    row.closing_cents if row else None, moved,
                )
            )  # fmt: skip
    return views


def _moved_cents(tx: Tx, provider: str, ways: Collection[Direction], since: datetime) -> int:
    """Return what receipts have moved in an account since a moment, as no statement has shown."""
    moved = select(func.coalesce(func.sum(_SIGNED), 0)).where(
        Receipt.provider == provider,
        moves_there(ways),
        Receipt.at >= since,
        ~is_shown(),
        ~is_a_difference(),
    )
    return int(tx.db.execute(moved).scalar_one())


def open_items(tx: Tx) -> OpenItems:
    """Return what neither a statement nor a case explains, older than the latest callback."""
    came, went = (
        func.coalesce(func.sum(Receipt.amount_cents).filter(Receipt.direction == way), 0)
        for way in (Direction.IN, Direction.OUT)
    )
    receipts, in_cents, out_cents = tx.db.execute(
        select(func.count(), came, went).where(
            Receipt.at < tx.now - timedelta(seconds=STATEMENT_LATE_SECONDS),
            ~is_shown(),
            ~is_a_difference(),
        )
    ).one()
    return OpenItems(receipts, int(in_cents), int(out_cents))
