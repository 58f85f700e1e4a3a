"""What is asked about people."""

from uuid import UUID

from sqlalchemy import select

from core.db.tx import Tx
from core.people.model import User, Vendor

_OWNERS = select(User.msisdn).join(Vendor, Vendor.user_id == User.id)


def user_id(tx: Tx, msisdn: str) -> UUID | None:
    """Return the id of a number's user, None for somebody who has never done anything."""
    return tx.db.scalar(select(User.id).where(User.msisdn == msisdn))


def owner_of(tx: Tx, number: int) -> str:
    """Return the phone number of a vendor, by the vendor's number."""
    return tx.db.scalars(_OWNERS.where(Vendor.number == number)).one()


def owner_by_id(tx: Tx, vendor_id: UUID) -> str:
    """Return the phone number of a vendor."""
    return tx.db.scalars(_OWNERS.where(Vendor.id == vendor_id)).one()
