"""One-time links to a vendor's statement: sent by SMS, unguessable, opened once."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tx import Tx
from core.errors import NotFound
from core.limits import (
    DOCUMENT_TOKEN_LENGTH,
    STATEMENT_LINK_SECONDS,
    STATEMENT_LINKS_A_DAY_MAX,
)
from core.links import good_until


class StatementLink(Base):
    """A link that somebody was sent."""

    __tablename__ = "statement_links"

    token: Mapped[str] = mapped_column(primary_key=True)
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"), index=True)
    month: Mapped[date]
    """Its first day."""
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


def new_link(tx: Tx, vendor_id: UUID, month: date) -> StatementLink:
    """Make a link to a month's statement.

    Raises:
        Refused: ``too_many_links`` (data: limit): each costs an SMS.
    """
    expires_at = good_until(
        tx,
        StatementLink.expires_at,
        STATEMENT_LINK_SECONDS,
        STATEMENT_LINKS_A_DAY_MAX,
        StatementLink.vendor_id == vendor_id,
    )
    link = StatementLink(
        token=tx.ids.token()[:DOCUMENT_TOKEN_LENGTH],
        vendor_id=vendor_id,
        month=month.replace(day=1),
        expires_at=expires_at,
    )
    tx.db.add(link)
    tx.db.flush()
    return link


def find_link(tx: Tx, token: str) -> StatementLink:
    """Return a link that can still be opened; raises NotFound (``no_link``)."""
    link = tx.db.scalar(
        select(StatementLink).where(
            StatementLink.token == token,
            StatementLink.used_at.is_(None),
            StatementLink.expires_at > tx.now,
        )
    )
    if link is None:
        raise NotFound("no_link")
    return link


def use_link(tx: Tx, token: str) -> StatementLink:
    """Open a link, which closes it; of two at once one finds it closed.

    Raises:
        NotFound: ``no_link``: there is none, it was used, or its time is over.
    """
    used = (
        update(StatementLink)
        .where(
            StatementLink.token == token,
            StatementLink.used_at.is_(None),
            StatementLink.expires_at > tx.now,
        )
        .values(used_at=tx.now)
        .returning(StatementLink)
    )
    link = tx.db.scalars(used).one_or_none()
    if link is None:
        raise NotFound("no_link")
    return link
