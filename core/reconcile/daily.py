"""The daily look: float, statements and what neither of them explains."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import text

from core.cases.model import CaseKind
from core.cases.usecases import close_settled, open_case
from core.clock import nairobi_date
from core.db.tx import Tx
from core.escrow import accounts, ledger
from core.limits import CASES_BATCH_MAX, STATEMENT_DUE_DAYS
from core.payments import receipts
from core.reconcile.usecases import Accounts

MONTHS_MAX = 50
SETTLED_NOTE = "A statement has come; closed by itself."

# Months are Kenya's. One that ended lately may still get its statement.
MONTHS_MISSING = text(
    "SELECT to_char(at AT TIME ZONE 'Africa/Nairobi', 'YYYY-MM') AS month, count(*) AS receipts,"
    " sum(amount_cents) AS cents"
    " FROM receipts WHERE provider = :provider AND direction = ANY (:ways)"
    " AND account IS DISTINCT FROM :nowhere"
    " AND (date_trunc('month', at AT TIME ZONE 'Africa/Nairobi') + interval '1 month')::date"
    "   <= :due"
    " AND NOT EXISTS (SELECT 1 FROM statement_matches WHERE receipt_id = receipts.id)"
    " GROUP BY month ORDER BY month LIMIT :most"
)

# Two statements that meet: what one ends with, the other begins with.
BREAKS = text(
    "SELECT later.provider, later.account, later.begins, earlier.closing_cents,"
    " later.opening_cents"
    " FROM statements AS later JOIN statements AS earlier"
    " ON earlier.provider = later.provider AND earlier.account = later.account"
    "   AND earlier.ends = later.begins"
    " WHERE earlier.closing_cents <> later.opening_cents LIMIT :most"
)


def look_daily(tx: Tx, ours: Mapping[str, Accounts]) -> list[int]:
    """Compare float, statements and open items; return the numbers of new cases.

    A month whose statement nobody has taken in is a case until somebody does; statements that
    meet with different balances are a difference.
    """
    opened: list[int | None] = []
    due = nairobi_date(tx.now) - timedelta(days=STATEMENT_DUE_DAYS)
    wanting: set[str] = set()
    for provider, its in ours.items():
        for account, ways in its.items():
            values = {
                "provider": provider,
                "ways": sorted(ways),
                "nowhere": receipts.TO_A_CARD,
                "due": due,
                "most": MONTHS_MAX,
            }
            for row in tx.db.execute(MONTHS_MISSING, values).all():
                subject = f"{provider}:{account}:{row.month}"
                wanting.add(subject)
                facts = {
                    "provider": provider,
                    "account": account,
                    "month": row.month,
                    "receipts": row.receipts,
                    "float_cents": _float_cents(tx, provider),
                }
                opened.append(
                    open_case(
                        tx, CaseKind.STATEMENT_MISSING, subject,
                        amount_cents=int(row.cents), facts=facts, again=True,
                    )
                )  # fmt: skip
    _close_found(tx, wanting)
    opened += _open_breaks(tx)
    return [number for number in opened if number is not None]


def _float_cents(tx: Tx, provider: str) -> int:
    return ledger.balance(tx, accounts.float_of(provider)).cents


def _close_found(tx: Tx, wanting: set[str]) -> None:
    query = text(
        "SELECT subject FROM cases WHERE kind = 'statement_missing' AND state = 'open' LIMIT :most"
    )
    for subject in tx.db.scalars(query, {"most": CASES_BATCH_MAX}).all():
        if subject not in wanting:
            close_settled(tx, CaseKind.STATEMENT_MISSING, subject, SETTLED_NOTE)


def _open_breaks(tx: Tx) -> list[int | None]:
    return [
        open_case(
            tx,
            CaseKind.DIFFERENCE,
            f"balance:{row.provider}:{row.account}:{nairobi_date(row.begins)}",
            amount_cents=abs(row.opening_cents - row.closing_cents),
            facts={
                "fault": "balance",
                "provider": row.provider,
                "account": row.account,
                "number": "",
                "ours_cents": row.closing_cents,
                "theirs_cents": row.opening_cents,
                "at": row.begins.isoformat(),
            },
        )
        for row in tx.db.execute(BREAKS, {"most": CASES_BATCH_MAX}).all()
    ]
