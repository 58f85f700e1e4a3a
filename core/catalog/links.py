"""Links to a listing's page: made for one phone, sent by SMS, gone after some days."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tx import Tx
from core.errors import NotFound
from core.limits import (
    LISTING_LINK_LENGTH,
    LISTING_LINK_SECONDS,
    LISTING_LINKS_A_DAY_MAX,
)
from core.links import good_until


class ListingLink(Base):
    """A link that somebody was sent."""

    __tablename__ = "listing_links"
    __table_args__ = (
        Index("ix_listing_links_user_id_expires_at", "user_id", "expires_at"),
        Index("ix_listing_links_expires_at", "expires_at"),
    )

    token: Mapped[str] = mapped_column(primary_key=True)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime]


def new_listing_link(tx: Tx, user_id: UUID, listing_id: UUID) -> ListingLink:
    """Make a link for somebody, whom the caller has locked.

    Raises:
        Refused: ``too_many_links`` (data: limit): each costs an SMS.
    """
    expires_at = good_until(
        tx,
        ListingLink.expires_at,
        LISTING_LINK_SECONDS,
        LISTING_LINKS_A_DAY_MAX,
        ListingLink.user_id == user_id,
    )
    link = ListingLink(
        token=tx.ids.token()[-LISTING_LINK_LENGTH:],
        listing_id=listing_id,
        user_id=user_id,
        expires_at=expires_at,
    )
    tx.db.add(link)
    tx.db.flush()
    return link


def linked_listing(tx: Tx, token: str) -> UUID:
    """Return which listing a link still opens; raises NotFound (``no_link``)."""
    found = tx.db.scalar(
        select(ListingLink.listing_id).where(
            ListingLink.token == token, ListingLink.expires_at > tx.now
        )
    )
    if found is None:
        raise NotFound("no_link")
    return found
