"""Links to the page on which a booking is paid by card: sent by SMS, unguessable."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.tx import Tx
from core.errors import NotFound
from core.limits import DOCUMENT_TOKEN_LENGTH, PAY_LINK_SECONDS, PAY_LINKS_A_DAY_MAX
from core.links import good_until
from core.msisdn import MSISDN_MAX
from core.payments.model import Attempt


class PayLink(Base):
    """A link that somebody was sent."""

    __tablename__ = "pay_links"

    token: Mapped[str] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), index=True)
    msisdn: Mapped[str] = mapped_column(String(MSISDN_MAX))
    """Whose phone it was sent to, and so who pays."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


def new_pay_link(tx: Tx, booking_id: UUID, msisdn: str) -> PayLink:
    """Make a link to a booking's page.

    Raises:
        Refused: ``too_many_links`` (data: limit).
    """
    expires_at = good_until(
        tx,
        PayLink.expires_at,
        PAY_LINK_SECONDS,
        PAY_LINKS_A_DAY_MAX,
        PayLink.booking_id == booking_id,
        PayLink.msisdn == msisdn,
    )
    link = PayLink(
        token=tx.ids.token()[:DOCUMENT_TOKEN_LENGTH],
        booking_id=booking_id,
        msisdn=msisdn,
        created_at=tx.now,
        expires_at=expires_at,
    )
    tx.db.add(link)
    tx.db.flush()
    return link


def find_pay_link(tx: Tx, token: str) -> PayLink:
    """Return a link that is still good; raises NotFound (``no_link``)."""
    link = tx.db.get(PayLink, token)
    if link is None or link.expires_at <= tx.now:
        raise NotFound("no_link")
    return link


def page_of(tx: Tx, attempt: Attempt) -> str:
    """Return the token of the page on which somebody asked to pay by card."""
    return tx.db.scalars(
        select(PayLink.token)
        .where(PayLink.booking_id == attempt.booking_id, PayLink.msisdn == attempt.msisdn)
        .order_by(PayLink.created_at.desc(), PayLink.token)
        .limit(1)
    ).one()
