"""Becoming a vendor by phone: asked, kept as pending, checked by a person of ours."""

import re
from dataclasses import dataclass

from sqlalchemy import exists, select

from core import outbox
from core.db.tx import Tx
from core.errors import BadInput, Refused
from core.people.deeds import Deed, note
from core.people.links import new_link
from core.people.model import User, Vendor, VendorStaff, VendorStatus
from core.people.notices import VendorTopic
from core.people.staff import clean_name
from core.people.usecases import ensure_user

# A or P, nine digits, a letter: A for people, P for companies.
_KRA_PIN = re.compile(r"[AP][0-9]{9}[A-Z]", re.ASCII)
_NATIONAL_ID = re.compile(r"[0-9]{7,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody tells who wants to sell.

    Attributes:
        name: their own.
        business: what customers see.
        town_id, area_id: where they are.
        category: what they offer most, a ``core.catalog.rules.Category``.
        kra_pin: as the tax authority writes it.
        national_id: of their identity card.
    """

    name: str
    business: str
    town_id: int
    area_id: int | None
    category: str
    kra_pin: str
    national_id: str


def kra_pin(typed: str) -> str:
    """Return a KRA PIN as it is written (A000000000A); raises BadInput (``kra_bad``)."""
    pin = "".join(typed.upper().split())
    if not _KRA_PIN.fullmatch(pin):
        raise BadInput("kra_bad")
    return pin


def national_id(typed: str) -> str:
    """Return the number of an identity card, 7 or 8 digits; raises BadInput (``id_bad``)."""
    number = "".join(typed.split())
    if not _NATIONAL_ID.fullmatch(number):
        raise BadInput("id_bad")
    return number


def apply_as_vendor(tx: Tx, msisdn: str, told: Application) -> Vendor:
    """Keep an application: a vendor whom nobody has checked, who can draft but not sell.

    What identifies a person is sealed; a link for photos of the papers is owed by SMS.

    Raises:
        BadInput: ``name_bad``, ``kra_bad``, ``id_bad``.
        Refused: ``vendor_already``: the number is a vendor's, or works for one.
    """
    user = ensure_user(tx, msisdn)
    known = exists().where(Vendor.user_id == user.id)
    employed = exists().where(VendorStaff.user_id == user.id)
    if tx.db.scalar(select(known | employed)):
        raise Refused("vendor_already")
    user.name = clean_name(told.name)
    vendor = Vendor(
        id=tx.ids.uuid(),
        user_id=user.id,
        business_name=clean_name(told.business),
        status=VendorStatus.PENDING,
        kra_pin_sealed=tx.vault.seal(kra_pin(told.kra_pin)),
        national_id_sealed=tx.vault.seal(national_id(told.national_id)),
        category=told.category,
        town_id=told.town_id,
        area_id=told.area_id,
        created_at=tx.now,
    )
    tx.db.add(vendor)
    tx.db.flush()
    note(tx, vendor.id, user.id, Deed.JOINED)
    link = new_link(tx, vendor.id)
    told_back = {"business": vendor.business_name, "token": link.token}
    outbox.add(tx, VendorTopic.JOINED.value, msisdn, told_back)
    return vendor


def activate(tx: Tx, vendor: Vendor) -> bool:
    """Let a vendor whose papers were checked sell, and tell them; False when they could."""
    if vendor.status is not VendorStatus.PENDING:
        return False
    vendor.status = VendorStatus.ACTIVE
    owner = tx.db.get_one(User, vendor.user_id)
    told = {"business": vendor.business_name}
    outbox.add(tx, VendorTopic.VERIFIED.value, owner.msisdn, told)
    return True
