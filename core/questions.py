"""What we have asked somebody by SMS, so that a bare number means what was offered."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, String, Text, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tx import Tx
from core.msisdn import MSISDN_MAX

QUESTION_SECONDS = 2 * 3600


class Question(Base):
    """The one open question to a number; a newer one takes its place."""

    __tablename__ = "questions"

    msisdn: Mapped[str] = mapped_column(String(MSISDN_MAX), primary_key=True)
    about: Mapped[str]
    """What the answer is for: ``accept`` or ``decline``."""
    offered: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Booking codes in the order in which they were numbered."""
    expires_at: Mapped[datetime]


def ask(tx: Tx, msisdn: str, about: str, offered: Sequence[str]) -> None:
    """Remember what was offered, in its order."""
    values = {
        "about": about,
        "offered": list(offered),
        "expires_at": tx.now + timedelta(seconds=QUESTION_SECONDS),
    }
    row = insert(Question).values(msisdn=msisdn, **values)
    tx.db.execute(row.on_conflict_do_update(index_elements=["msisdn"], set_=values))


def open_question(tx: Tx, msisdn: str) -> Question | None:
    """Return the open question to a number, None when there is none or it is too old."""
    found = tx.db.get(Question, msisdn, populate_existing=True)
    return found if found is not None and found.expires_at > tx.now else None


def confirmed(tx: Tx, msisdn: str, about: str, offered: Sequence[str]) -> bool:
    """Tell whether exactly this is the open question, and forget it if so."""
    question = open_question(tx, msisdn)
    if question is None or (question.about, question.offered) != (about, list(offered)):
        return False
    settled(tx, msisdn)
    return True


def settled(tx: Tx, msisdn: str) -> None:
    """Forget the question to a number: it has been answered."""
    tx.db.execute(delete(Question).where(Question.msisdn == msisdn))
