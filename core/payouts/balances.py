"""What providers say that they hold for us: asked each day, and while payouts wait for money.

One round asks about every account that we have with a provider, because our books know the
provider and not its accounts. A round whose last answer has come is set beside the ledger
(``core.reconcile.balance``); what can be sent decides whether payouts wait.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import nairobi_date, nairobi_moment
from core.db.base import Base, cents
from core.db.tx import Tx
from core.limits import BALANCE_AGAIN_SECONDS, BALANCE_FRESH_SECONDS, BALANCE_SHORT_SECONDS
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts.halts import Halt, HaltReason, halt, resume
from core.ports.money import Balance

ASKED_AT = time(5, 30)
"""Each day, Kenyan time: half an hour before the weekly run."""
SHORT = "balance"
REFUSED = "bad_credentials"
PAYING = (Kind.PAYOUT, Kind.RETURN)
NOTHING: Mapping[str, int] = {}


class BalanceReading(Base):
    """One question about one account, and its answer."""

    __tablename__ = "balance_readings"
    __table_args__ = (
        UniqueConstraint("provider", "asked_at", "account"),
        Index("ix_balance_readings_asked_at", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Names the question to the provider."""
    provider: Mapped[str]
    account: Mapped[str]
    pays: Mapped[bool]
    """Payouts leave from this account."""
    asked_at: Mapped[datetime]
    """The same for all accounts of a round."""
    answered_at: Mapped[datetime | None]
    code: Mapped[str | None]
    """Why there is no answer."""
    available_cents: Mapped[int | None] = cents(nullable=True)
    """What can be sent from it now."""
    held_cents: Mapped[int | None] = cents(nullable=True)
    """All that lies there, without an account that only charges are taken from."""
    charges_cents: Mapped[int | None] = cents(nullable=True)
    """What such an account says; empty where charges are taken from the money itself."""
    gap_cents: Mapped[int | None] = cents(nullable=True)
    """With the last answer of a round: all that is held, less what our books say; what is under
    way is left out of it."""
    difference_cents: Mapped[int | None] = cents(nullable=True)
    """By how much the gap has changed beyond what is under way."""


def begin_round(tx: Tx, provider: str, accounts: Sequence[str]) -> list[BalanceReading]:
    """Plan to ask about a provider's accounts if it is time; none when it is not.

    Args:
        tx: the caller's transaction.
        provider: who is asked.
        accounts: ours there; payouts leave from the first.
    """
    _lock_rounds(tx, provider)
    if not _is_time(tx, provider):
        return []
    readings = [
        BalanceReading(
            id=tx.ids.uuid(),
            provider=provider,
            account=account,
            pays=place == 0,
            asked_at=tx.now,
        )
        for place, account in enumerate(accounts)
    ]
    tx.db.add_all(readings)
    tx.db.flush()
    return readings


def _lock_rounds(tx: Tx, provider: str) -> None:
    """Let what is asked of a provider, and what it answers, pass one after another.

    Two workers at once plan one round; of two answers the last one finds the other, and is the
    one that is set beside the books.
    """
    tx.db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"balance:{provider}"))))


def _is_time(tx: Tx, provider: str) -> bool:
    last_asked = tx.db.scalar(
        select(func.max(BalanceReading.asked_at)).where(BalanceReading.provider == provider)
    )
    if last_asked is None:
        return True
    rested = tx.now - last_asked
    why = tx.db.scalar(select(Halt.reason).where(Halt.provider == provider))
    if why is not None and why is not HaltReason.LOW_FLOAT:
        return False  # Each question with refused credentials brings their lock closer.
    if why is HaltReason.LOW_FLOAT and rested >= timedelta(seconds=BALANCE_SHORT_SECONDS):
        return True
    today = nairobi_moment(nairobi_date(tx.now), ASKED_AT)
    begun = today if tx.now >= today else today - timedelta(days=1)
    return (
        rested >= timedelta(seconds=BALANCE_AGAIN_SECONDS) and _last_answered(tx, provider) < begun
    )


def _last_answered(tx: Tx, provider: str) -> datetime:
    """Return when the last round began that was answered whole, for good or for bad.

    Where our credentials were refused, the next question waits for the next day.
    """
    is_final = BalanceReading.held_cents.is_not(None) | (BalanceReading.code == REFUSED)
    rounds = (
        select(BalanceReading.asked_at)
        .where(BalanceReading.provider == provider)
        .group_by(BalanceReading.asked_at)
        .having(func.bool_and(func.coalesce(is_final, False)))
        .order_by(BalanceReading.asked_at.desc())
        .limit(1)
    )
    return tx.db.scalar(rounds) or datetime.min.replace(tzinfo=tx.now.tzinfo)


def answered(tx: Tx, reading_id: UUID, balance: Balance) -> BalanceReading | None:
    """Keep an answer; None when nobody asked that, or it is answered already.

    An answer for the paying account ends a halt for want of money, or begins one.
    """
    _lock_rounds(tx, balance.provider)
    reading = tx.db.scalar(
        select(BalanceReading).where(
            BalanceReading.id == reading_id,
            BalanceReading.provider == balance.provider,
            BalanceReading.answered_at.is_(None),
        )
    )
    if reading is None:
        return None
    reading.answered_at = tx.now
    reading.code = None
    reading.available_cents = balance.available.cents
    reading.held_cents = balance.held.cents
    reading.charges_cents = balance.charges.cents if balance.charges is not None else None
    tx.db.flush()
    if reading.pays:
        guard_float(tx)
    return reading


def unanswered(tx: Tx, reading_id: UUID, code: str) -> None:
    """Note why a question got no answer; it is asked again in a later round."""
    reading = tx.db.get(BalanceReading, reading_id, with_for_update=True)
    if reading is not None and reading.answered_at is None:
        reading.code = code


def guard_float(tx: Tx, coming: Mapping[str, int] = NOTHING) -> None:
    """Halt providers that are known to hold less than is planned; resume those that hold enough.

    A balance that was asked a while ago decides nothing: then the provider's own refusal does.

    Args:
        tx: the caller's transaction.
        coming: cents by provider that are about to be planned.
    """
    newest = (
        select(BalanceReading)
        .where(
            BalanceReading.pays,
            BalanceReading.answered_at >= tx.now - timedelta(seconds=BALANCE_FRESH_SECONDS),
        )
        .ext(distinct_on(BalanceReading.provider))
        .order_by(BalanceReading.provider, BalanceReading.asked_at.desc())
    )
    for reading in tx.db.scalars(newest).all():
        assert reading.available_cents is not None, "it was answered"
        planned = planned_cents(tx, reading.provider, since=reading.asked_at)
        if planned + coming.get(reading.provider, 0) > reading.available_cents:
            halt(tx, reading.provider, HaltReason.LOW_FLOAT, SHORT)
        elif _was_short(tx, reading):
            resume(tx, reading.provider)


def _was_short(tx: Tx, reading: BalanceReading) -> bool:
    """Tell whether a provider is halted for want of money since before it was asked."""
    halted = select(Halt.provider).where(
        Halt.provider == reading.provider,
        Halt.reason == HaltReason.LOW_FLOAT,
        Halt.since <= reading.asked_at,
    )
    return tx.db.scalar(halted) is not None


def planned_cents(tx: Tx, provider: str, *, since: datetime) -> int:
    """Return what is planned to leave a provider, or has left it since a moment."""
    total = tx.db.scalar(
        select(func.sum(Attempt.amount_cents)).where(
            Attempt.provider == provider,
            Attempt.kind.in_(PAYING),
            (Attempt.state == AttemptState.QUEUED)
            | (Attempt.sent_at >= since) & (Attempt.state != AttemptState.FAILED),
        )
    )
    return int(total or 0)
