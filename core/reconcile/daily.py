"""The daily look: float, statements and what neither of them explains."""

from collections.abc import Collection, Mapping
from datetime import time, timedelta

from sqlalchemy import Select, func, select, text

from core.cases.model import CaseKind
from core.cases.usecases import close_settled, open_case
from core.clock import NAIROBI, nairobi_date, nairobi_moment
from core.db.tx import Tx
from core.escrow import accounts, ledger
from core.limits import CASES_BATCH_MAX, STATEMENT_DUE_DAYS
from core.payments.model import Direction, Receipt
from core.reconcile.places import Accounts, is_shown, stands_there, was_asked_for

MONTHS_MAX = 50
SETTLED_NOTE = "A statement has come; closed by itself."

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

    A month whose statement nobody has taken in is a case until somebody does, or says why not;
    statements that meet with different balances are a difference.
    """
    opened: list[int | None] = []
    wanting: set[str] = set()
    for provider, its in ours.items():
        for account, ways in its.items():
            for row in tx.db.execute(_months_missing(tx, provider, account, ways)):
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
                        amount_cents=int(row.cents), facts=facts,
                    )
                )  # fmt: skip
    _close_found(tx, wanting)
    opened += _open_breaks(tx)
    return [number for number in opened if number is not None]


def _months_missing(
    tx: Tx, provider: str, account: str, ways: Collection[Direction]
) -> Select[str, int, int]:
    """Select the months, Kenya's, of which no statement has come that covers what we have.

    One that ended lately may still get its statement.
    """
    local = func.timezone(NAIROBI.key, Receipt.at)
    month = func.to_char(local, "YYYY-MM").label("month")
    cents = func.sum(Receipt.amount_cents).label("cents")
    due = nairobi_date(tx.now) - timedelta(days=STATEMENT_DUE_DAYS)
    return (
        select(month, func.count().label("receipts"), cents)
        .where(
            Receipt.provider == provider,
            stands_there(ways),
            Receipt.at < nairobi_moment(due.replace(day=1), time()),
            ~is_shown(),
            ~was_asked_for(account),
        )
        .group_by(month)
        .order_by(month)
        .limit(MONTHS_MAX)
    )


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
