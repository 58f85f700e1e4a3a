"""Which relays somebody has open."""

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from core.catalog.model import Listing
from core.db.tx import Tx
from core.limits import LIST_MAX
from core.people.model import User, Vendor
from core.relay.model import Relay, RelayLine, Speaker

_Customer = aliased(User)
_VendorUser = aliased(User)


@dataclass(frozen=True, slots=True)
class RelayView:
    """An open relay as one of its sides sees it.

    Attributes:
        side: which one.
        title: of the listing that it is about.
        business: the vendor's business name.
        words: what was said last.
    """

    relay: Relay
    side: Speaker
    title: str
    business: str
    words: str

    @property
    def is_asked(self) -> bool:
        """Whether the other side spoke last."""
        return self.relay.last_from is not self.side


def open_relays(tx: Tx, msisdn: str, limit: int = LIST_MAX) -> list[RelayView]:
    """Return somebody's open relays: those that wait for them first, then the newest."""
    last = (
        select(RelayLine.words)
        .where(RelayLine.relay_id == Relay.id)
        .order_by(RelayLine.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = tx.db.execute(
        select(Relay, _Customer.msisdn == msisdn, Listing.title, Vendor.business_name, last)
        .join(Listing, Listing.id == Relay.listing_id)
        .join(Vendor, Vendor.id == Relay.vendor_id)
        .join(_Customer, _Customer.id == Relay.customer_id)
        .join(_VendorUser, _VendorUser.id == Vendor.user_id)
        .where(
            or_(_Customer.msisdn == msisdn, _VendorUser.msisdn == msisdn),
            Relay.open_until > tx.now,
        )
        .order_by(Relay.open_until.desc(), Relay.id)
        .limit(limit)
    )
    views = [
        RelayView(
            relay, Speaker.CUSTOMER if asks else Speaker.VENDOR, title, business, words or ""
        )
        for relay, asks, title, business, words in rows
    ]
    return sorted(views, key=lambda view: not view.is_asked)
