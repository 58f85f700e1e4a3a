"""Turn receipts: what a turn that changed something answered, in the transaction that changed it.

A provider may send the same hop again, and Redis may forget; the receipt is how the same turn is
recognised, answered with the same bytes, and never performed twice.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update
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


_RECEIPTS = Base.metadata.tables[TurnReceipt.__tablename__]
_NOT_YET = {"reply": "", "final": False, "next_state": {}}
# Built once: each turn that changes something asks them.
_BEGIN = insert(_RECEIPTS).on_conflict_do_nothing().returning(_RECEIPTS.c.digest)
_KEEP = (
    update(_RECEIPTS)
    .where(
        _RECEIPTS.c.provider == bindparam("of_provider"),
        _RECEIPTS.c.session_id == bindparam("of_session"),
        _RECEIPTS.c.digest == bindparam("of_digest"),
    )
    .values({name: bindparam(name) for name in ("reply", "final", "next_state")})
)


def begin(tx: Tx, provider: str, session_id: str, digest: str) -> TurnReceipt | None:
    """Claim a turn before its effect, or return the receipt of the one that performed it.

    Somebody else's unfinished claim is waited for (at most the lock timeout): when it commits,
    its receipt is returned; when it rolls back, the turn is ours. ``keep`` completes the claim.
    """
    turn = {"provider": provider, "session_id": session_id, "digest": digest}
    claimed = tx.db.scalar(_BEGIN, {**turn, **_NOT_YET, "created_at": tx.now})
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
    turn = {"of_provider": provider, "of_session": session_id, "of_digest": digest}
    answer = {"reply": reply, "final": final, "next_state": next_state}
    tx.db.execute(_KEEP, {**turn, **answer})


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
