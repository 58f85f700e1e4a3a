"""Numbers that may do some things for a vendor: the owner adds and removes them by phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from core import outbox
from core.db.tx import Tx
from core.errors import BadInput, NotFound, Refused
from core.limits import NAME_MAX, STAFF_ADDED_A_DAY_MAX, STAFF_MAX
from core.msisdn import is_kenyan_mobile, local_form, parse_msisdn
from core.people.deeds import Deed, VendorDeed, note
from core.people.model import User, Vendor, VendorStaff
from core.people.notices import VendorTopic
from core.people.usecases import ensure_user


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who works for a vendor."""

    user_id: UUID
    msisdn: str
    name: str


def staff_of(tx: Tx, vendor_id: UUID) -> Sequence[Member]:
    """Return who works for a vendor, by when they were added."""
    rows = tx.db.execute(
        select(User.id, User.msisdn, VendorStaff.name)
        .join(VendorStaff, VendorStaff.user_id == User.id)
        .where(VendorStaff.vendor_id == vendor_id)
        .order_by(VendorStaff.added_at, User.id)
        .limit(STAFF_MAX)
    )
    return [Member(*row) for row in rows]


def works_for(tx: Tx, msisdn: str, vendor_id: UUID) -> bool:
    """Tell whether a number works for a vendor at this moment."""
    query = select(VendorStaff.user_id).join(User, User.id == VendorStaff.user_id)
    chosen = query.where(User.msisdn == msisdn, VendorStaff.vendor_id == vendor_id)
    return tx.db.scalar(chosen) is not None


def staff_number(tx: Tx, typed: str) -> str:
    """Return a typed number that may be added.

    Raises:
        BadInput: ``bad_phone``.
        Refused: ``staff_taken``: it is a vendor's, or works for one.
    """
    msisdn = parse_msisdn(typed)
    if not is_kenyan_mobile(msisdn):
        raise BadInput("bad_phone")
    taken = (
        select(User.id)
        .outerjoin(Vendor, Vendor.user_id == User.id)
        .outerjoin(VendorStaff, VendorStaff.user_id == User.id)
        .where(
            User.msisdn == msisdn,
            Vendor.id.is_not(None) | VendorStaff.user_id.is_not(None),
        )
    )
    if tx.db.scalar(taken) is not None:
        raise Refused("staff_taken")
    return msisdn


def add_staff(tx: Tx, vendor_id: UUID, typed: str, name: str) -> Member:
    """Let a number act for a vendor; it and the owner are told.

    Raises:
        BadInput, Refused: as ``staff_number``; ``name_bad``.
        Refused: ``too_many_staff`` (data: limit), ``too_many_added`` (data: limit).
    """
    vendor = _locked(tx, vendor_id)
    msisdn = staff_number(tx, typed)
    called = clean_name(name)
    if len(staff_of(tx, vendor_id)) >= STAFF_MAX:
        raise Refused("too_many_staff", limit=STAFF_MAX)
    if _added_today(tx, vendor_id) >= STAFF_ADDED_A_DAY_MAX:
        raise Refused("too_many_added", limit=STAFF_ADDED_A_DAY_MAX)
    # Made or found under a lock of its own: of two vendors who add a number at once, one is late.
    user = ensure_user(tx, msisdn)
    if tx.db.get(VendorStaff, user.id) is not None:
        raise Refused("staff_taken")
    tx.db.add(VendorStaff(user_id=user.id, vendor_id=vendor_id, name=called, added_at=tx.now))
    note(tx, vendor_id, vendor.user_id, Deed.STAFF_ADDED, local_form(msisdn)[-3:])
    owner = tx.db.get_one(User, vendor.user_id)
    told = {"business": vendor.business_name, "name": called, "ending": msisdn[-3:]}
    outbox.add(tx, VendorTopic.STAFF_ADDED.value, msisdn, told)
    outbox.add(tx, VendorTopic.STAFF_OWNER.value, owner.msisdn, told)
    return Member(user.id, msisdn, called)


def remove_staff(tx: Tx, vendor_id: UUID, user_id: UUID) -> Member:
    """Take a number's rights away; it is told.

    Raises:
        NotFound: ``no_staff``, it does not work for this vendor.
    """
    vendor = _locked(tx, vendor_id)
    member = tx.db.get(VendorStaff, user_id)
    if member is None or member.vendor_id != vendor_id:
        raise NotFound("no_staff")
    tx.db.delete(member)
    user = tx.db.get_one(User, user_id)
    note(tx, vendor_id, vendor.user_id, Deed.STAFF_REMOVED, local_form(user.msisdn)[-3:])
    told = {"business": vendor.business_name}
    outbox.add(tx, VendorTopic.STAFF_REMOVED.value, user.msisdn, told)
    return Member(user_id, user.msisdn, member.name)


def clean_name(typed: str) -> str:
    """Return a name as it is kept; raises BadInput (``name_bad``)."""
    name = " ".join(typed.split())
    letters = sum(ch.isalpha() for ch in name)
    if not (letters >= 2 and len(name) <= NAME_MAX and name.isprintable()):
        raise BadInput("name_bad")
    return name


def _locked(tx: Tx, vendor_id: UUID) -> Vendor:
    return tx.db.get_one(Vendor, vendor_id, with_for_update={"key_share": True})


def _added_today(tx: Tx, vendor_id: UUID) -> int:
    """How many were added in the last day, removed or not: each has cost an SMS."""
    query = (
        select(func.count())
        .select_from(VendorDeed)
        .where(
            VendorDeed.vendor_id == vendor_id,
            VendorDeed.deed == Deed.STAFF_ADDED,
            VendorDeed.at > tx.now - timedelta(days=1),
        )
    )
    return int(tx.db.scalar(query) or 0)
