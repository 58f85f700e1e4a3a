"""What providers say that they hold, beside what our books say: a look each day (I14).

Providers hold more than our books do: our own money was there before. That surplus, the gap,
stays the same from one day to the next. A gap that has changed by more than what is under way
explains is a difference, and a case. The case closes by itself when the gap is back; when a
person closes it, the new gap is what the next day is measured by.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from core.cases.model import Case, CaseKind, CaseState
from core.cases.usecases import close_settled, open_case
from core.db.tx import Tx
from core.escrow import accounts, ledger
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts.balances import BalanceReading

BACK_NOTE = "The provider's balance and the books agree again; closed by itself."
GROUPED = ("provider", "gap_cents", "difference_cents", "asked_at")
UNDER_WAY = (AttemptState.SENDING, AttemptState.PENDING, AttemptState.UNKNOWN)

# Charges that our books took from the float, where the provider takes them from elsewhere.
CHARGED = text(
    "SELECT coalesce(sum(amount_cents), 0) FROM ledger_postings"
    " JOIN ledger_transfers ON ledger_transfers.id = transfer_id"
    " WHERE account = :fees AND starts_with(idempotency_key, :key)"
)


@dataclass(frozen=True, slots=True)
class Held:
    """What a provider last said that it holds.

    Attributes:
        provider: who.
        held_cents: in all our accounts there.
        gap_cents: of it, what our books do not know: our own money.
        difference_cents: by how much that has changed without a reason; 0 when all is well.
        asked_at: when it was asked.
    """

    provider: str
    held_cents: int
    gap_cents: int
    difference_cents: int
    asked_at: datetime


def last_held(tx: Tx) -> list[Held]:
    """Return the last whole answer of each provider."""
    last = (
        select(BalanceReading)
        .ext(distinct_on(BalanceReading.provider))
        .where(BalanceReading.gap_cents.is_not(None))
        .order_by(BalanceReading.provider, BalanceReading.asked_at.desc())
        .subquery()
    )
    rows = tx.db.execute(
        select(
            last.c.provider,
            func.sum(BalanceReading.held_cents),
            last.c.gap_cents,
            last.c.difference_cents,
            last.c.asked_at,
        )
        .join(
            BalanceReading,
            (BalanceReading.provider == last.c.provider)
            & (BalanceReading.asked_at == last.c.asked_at),
        )
        .group_by(*(last.c[name] for name in GROUPED))
        .order_by(last.c.provider)
    )
    return [Held(name, int(held), gap, changed, at) for name, held, gap, changed, at in rows]


def compare(tx: Tx, reading: BalanceReading) -> int | None:
    """Set a round side by side with the ledger, once its last answer has come.

    Args:
        tx: the caller's transaction.
        reading: the one that was answered now, in this transaction: other answers wait for it.

    Returns:
        the number of a new case; None when there is none, or answers of the round are missing.
    """
    others = tx.db.scalars(
        select(BalanceReading)
        .where(
            BalanceReading.provider == reading.provider,
            BalanceReading.asked_at == reading.asked_at,
        )
        .order_by(BalanceReading.account)
    ).all()
    held = [other.held_cents for other in others if other.held_cents is not None]
    if len(held) < len(others):
        return None
    apart = any(other.charges_cents is not None for other in others)
    ours = _ours_cents(tx, reading.provider, charges_apart=apart)
    reading.gap_cents = sum(held) - ours
    reading.difference_cents = 0
    before = _gap_before(tx, reading)
    if before is None:
        return None
    changed = reading.gap_cents - before
    leaving, coming = _under_way(tx, reading.provider)
    if -leaving <= changed <= coming:
        # When its outcome is known the books follow, and the gap is what it was.
        reading.gap_cents = before
        if changed == 0:
            close_settled(tx, CaseKind.DIFFERENCE, _subject(reading), BACK_NOTE)
        return None
    reading.difference_cents = changed
    return open_case(
        tx,
        CaseKind.DIFFERENCE,
        _subject(reading),
        amount_cents=abs(changed),
        facts={
            "fault": "float",
            "provider": reading.provider,
            "number": "",
            "ours_cents": ours + before,
            "theirs_cents": sum(held),
            "at": reading.asked_at.isoformat(),
        },
        again=True,
    )


def _subject(reading: BalanceReading) -> str:
    return f"float:{reading.provider}"


def _ours_cents(tx: Tx, provider: str, *, charges_apart: bool) -> int:
    held = ledger.balance(tx, accounts.float_of(provider)).cents
    if not charges_apart:
        return held
    values = {"fees": accounts.PROVIDER_FEES, "key": f"out:{provider}:charge:"}
    return held + int(tx.db.execute(CHARGED, values).scalar_one())


def _gap_before(tx: Tx, reading: BalanceReading) -> int | None:
    """Return the gap that should still be there; None when there was no look before.

    While a difference is open it is the last one that agreed; else the last one.
    """
    open_one = tx.db.scalar(
        select(Case.id).where(
            Case.kind == CaseKind.DIFFERENCE,
            Case.subject == _subject(reading),
            Case.state == CaseState.OPEN,
        )
    )
    earlier = select(BalanceReading.gap_cents).where(
        BalanceReading.provider == reading.provider,
        BalanceReading.asked_at < reading.asked_at,
        BalanceReading.gap_cents.is_not(None),
    )
    if open_one is not None:
        earlier = earlier.where(BalanceReading.difference_cents == 0)
    return tx.db.scalar(earlier.order_by(BalanceReading.asked_at.desc()).limit(1))


def _under_way(tx: Tx, provider: str) -> tuple[int, int]:
    """Return how many cents may have left, and how many may have come, unknown to us."""
    rows = tx.db.execute(
        select(Attempt.kind, func.sum(Attempt.amount_cents))
        .where(Attempt.provider == provider, Attempt.state.in_(UNDER_WAY))
        .group_by(Attempt.kind)
    ).all()
    coming = sum(int(cents) for kind, cents in rows if kind is Kind.COLLECTION)
    return sum(int(cents) for kind, cents in rows if kind is not Kind.COLLECTION), coming
