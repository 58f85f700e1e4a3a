"""Halts: a provider through which nothing more is sent until somebody or something has acted.

Refused credentials and a wrong set-up need a person; each further try would only bring the
operator's lock closer. An empty account needs money: the provider's own word that enough is there
ends the halt. The row is the truth for all workers.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, choice
from core.db.tx import Tx, Work
from core.ports.money import Reason
from core.ports.providers import ProviderError

log = structlog.get_logger()


class HaltReason(StrEnum):
    """Why nothing is sent."""

    CREDENTIALS = "credentials"
    CONFIGURATION = "configuration"
    LOW_FLOAT = "low_float"


# What is ours to mend: the same payment to the same place would fail again.
OUR_SIDE: Mapping[Reason, HaltReason] = {
    Reason.CREDENTIALS: HaltReason.CREDENTIALS,
    Reason.CONFIGURATION: HaltReason.CONFIGURATION,
    Reason.NO_FLOAT: HaltReason.LOW_FLOAT,
}
STOPS = {"no_balance": HaltReason.LOW_FLOAT, "bad_credentials": HaltReason.CREDENTIALS}


class Halt(Base):
    """One provider that sends nothing for us."""

    __tablename__ = "payout_halts"

    provider: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[HaltReason] = mapped_column(choice(HaltReason, "reason"))
    code: Mapped[str | None]
    """What the provider said, or what was seen (``balance``)."""
    since: Mapped[datetime]


def halt(tx: Tx, provider: str, reason: HaltReason, code: str | None) -> None:
    """Send nothing more through a provider. An empty account is not a halt's last word."""
    new = insert(Halt).values(provider=provider, reason=reason, code=code, since=tx.now)
    since = tx.db.scalar(
        new.on_conflict_do_update(
            index_elements=["provider"],
            set_={"reason": new.excluded.reason, "code": new.excluded.code},
            where=Halt.reason == HaltReason.LOW_FLOAT,
        ).returning(Halt.since)
    )
    if since == tx.now:
        log.error("payouts.halted", provider=provider, reason=reason.value, code=code)


def halt_on_stop(tx: Tx, provider: str, error: ProviderError) -> None:
    """Halt a provider that says that nothing will go through until a person acts."""
    halt(tx, provider, STOPS.get(error.code, HaltReason.CONFIGURATION), error.code)


def resume(tx: Tx, provider: str) -> bool:
    """Go on with a provider; False when it was not halted."""
    ended = tx.db.execute(
        delete(Halt).where(Halt.provider == provider).returning(Halt.provider)
    ).first()
    tx.wake(Work.ATTEMPTS)
    if ended is not None:
        log.warning("payouts.resumed", provider=provider)
    return ended is not None


def halts(tx: Tx) -> list[Halt]:
    """Return what is halted, by provider."""
    return list(tx.db.scalars(select(Halt).order_by(Halt.provider)))


def is_halted(tx: Tx, provider: str) -> bool:
    """Tell whether nothing may be sent through a provider."""
    return tx.db.scalar(select(Halt.provider).where(Halt.provider == provider)) is not None
