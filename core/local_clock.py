"""The application's time in a local trial: the machine's clock plus a movable offset."""

from datetime import timedelta

from sqlalchemy import BigInteger, CheckConstraint, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db.base import Base


class LocalClock(Base):
    """One row: how far ahead the application's time is. Never read in production."""

    __tablename__ = "local_clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ahead_seconds: Mapped[int] = mapped_column(BigInteger)


def read_ahead(db: Session) -> timedelta:
    """Return how far ahead the application's time is."""
    return timedelta(seconds=db.scalar(select(LocalClock.ahead_seconds)) or 0)


def add_ahead(db: Session, step: timedelta) -> None:
    """Move the application's time forward."""
    seconds = int(step.total_seconds())
    assert seconds >= 0, "time does not run backwards"
    row = insert(LocalClock).values(id=1, ahead_seconds=seconds)
    db.execute(
        row.on_conflict_do_update(
            index_elements=["id"],
            set_={"ahead_seconds": LocalClock.ahead_seconds + seconds},
        )
    )
