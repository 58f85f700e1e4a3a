"""Turn receipts: what a turn that changed something answered, in the transaction that changed it.

A provider may send the same hop again, and Redis may forget; the receipt is how the same turn is
recognised, answered with the same bytes, and never performed twice.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, Json
from core.db.tx import Tx

# A session lives three minutes; more effects than this do not fit into one.
RECEIPTS_MAX = 40


class TurnReceipt(Base):
    """The answer to one turn of one session.

    ``digest`` is that of caller and transcript up to and including the turn; ``next_state`` is the
    conversation after it, in a form that only the sessions understand.
    """

    __tablename__ = "turn_receipts"

    provider: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    reply: Mapped[str]
    final: Mapped[bool]
    next_state: Mapped[Json]
    created_at: Mapped[datetime]


def begin(tx: Tx, provider: str, session_id: str, digest: str) -> TurnReceipt | None:
    """Claim a turn before its effect, or return the receipt of the one that performed it.

    Somebody else's unfinished claim is waited for (at most the lock timeout): when it commits,
    its receipt is returned; when it rolls back, the turn is ours. ``keep`` completes the claim.
    """
    claimed = tx.db.execute(
        insert(TurnReceipt)
        .values(
            provider=provider,
            session_id=session_id,
            digest=digest,
            reply="",
            final=False,
            next_state={},
            created_at=tx.now,
        )
        .on_conflict_do_nothing()
        .returning(TurnReceipt.digest)
    ).scalar_one_or_none()
    return None if claimed else find(tx, provider, session_id, digest)


def keep(
    tx: Tx,
    provider: str,
    session_id: str,
    digest: str,
    *,
    reply: str,
    final: bool,
    next_state: Json,
) -> None:
    """Write the answer of a turn that ``begin`` has claimed in this transaction."""
    tx.db.execute(
        update(TurnReceipt)
        .where(
            TurnReceipt.provider == provider,
            TurnReceipt.session_id == session_id,
            TurnReceipt.digest == digest,
        )
        .values(reply=reply, final=final, next_state=next_state)
        .execution_options(synchronize_session=False)
    )


def find(tx: Tx, provider: str, session_id: str, digest: str) -> TurnReceipt | None:
    """Return the receipt of exactly this turn."""
    return tx.db.scalar(
        select(TurnReceipt).where(
            TurnReceipt.provider == provider,
            TurnReceipt.session_id == session_id,
            TurnReceipt.digest == digest,
        )
    )


def of_session(tx: Tx, provider: str, session_id: str) -> Sequence[TurnReceipt]:
    """Return the receipts of a session, newest first, at most ``RECEIPTS_MAX``."""
    return tx.db.scalars(
        select(TurnReceipt)
        .where(TurnReceipt.provider == provider, TurnReceipt.session_id == session_id)
        .order_by(TurnReceipt.created_at.desc())
        .limit(RECEIPTS_MAX)
    ).all()
