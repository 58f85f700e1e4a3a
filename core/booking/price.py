"""By what a booking's escrow is shared out: the price that it froze, and whose account grows."""

from sqlalchemy import select

from core.booking.model import Booking
from core.db.tx import Tx
from core.money import Money
from core.people.model import Vendor
from core.pricing.rules import Price


def vendor_number(tx: Tx, booking: Booking) -> int:
    """Return the number of a booking's vendor, which names their ledger account."""
    return tx.db.scalars(select(Vendor.number).where(Vendor.id == booking.vendor_id)).one()


def price_of(booking: Booking) -> Price:
    """Return the price as it was frozen into a booking."""
    return Price(
        base=Money(booking.base_cents),
        service_fee=Money(booking.service_fee_cents),
        vat=Money(booking.vat_cents),
        rounding=Money(booking.rounding_cents),
        total=Money(booking.total_cents),
        commission=Money(booking.commission_cents),
        withholding=Money(booking.withholding_cents),
        vendor_net=Money(booking.vendor_net_cents),
    )
