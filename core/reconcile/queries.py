"""How far the books are confirmed by statements, and what is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from core.db.tx import Tx
from core.limits import STATEMENT_LATE_SECONDS
from core.reconcile.usecases import Accounts

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
    """What the float is made of that no statement has confirmed in three days.

    Attributes:
        receipts: how many.
        in_cents: what came by them.
        out_cents: what went by them.
    """

    receipts: int
    in_cents: int
    out_cents: int


_SIGNED = "CASE direction WHEN 'in' THEN receipts.amount_cents ELSE -receipts.amount_cents END"

LAST = text(
    "SELECT DISTINCT ON (provider, account) provider, account, ends, closing_cents"
    " FROM statements ORDER BY provider, account, ends DESC LIMIT :most"
)

MOVED = text(
    f"SELECT coalesce(sum({_SIGNED}), 0) FROM receipts"  # noqa: S608 -- our own words.
    " WHERE provider = :provider AND direction = ANY (:ways) AND at >= :since"
    " AND NOT EXISTS (SELECT 1 FROM statement_matches WHERE receipt_id = receipts.id)"
)

UNCONFIRMED = text(
    "SELECT count(*) AS receipts,"
    " coalesce(sum(amount_cents) FILTER (WHERE direction = 'in'), 0) AS in_cents,"
    " coalesce(sum(amount_cents) FILTER (WHERE direction = 'out'), 0) AS out_cents"
    " FROM receipts WHERE at < :before"
    " AND NOT EXISTS (SELECT 1 FROM statement_matches WHERE receipt_id = receipts.id)"
)


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
                values = {"provider": provider, "ways": sorted(ways), "since": row.ends}
                moved = int(tx.db.execute(MOVED, values).scalar_one())
            views.append(
                AccountView(
                    provider, account, row.ends if row else None,
                    row.closing_cents if row else None, moved,
                )
            )  # fmt: skip
    return views


def open_items(tx: Tx) -> OpenItems:
    """Return what no statement has confirmed although it is older than the latest callback."""
    before = tx.now - timedelta(seconds=STATEMENT_LATE_SECONDS)
    row = tx.db.execute(UNCONFIRMED, {"before": before}).one()
    return OpenItems(row.receipts, int(row.in_cents), int(row.out_cents))
