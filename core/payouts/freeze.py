"""Stopping payouts by SMS: the word that the notice of a changed payout number tells.

Whoever holds the vendor's phone may have changed where the money goes, so the number that was
paid before can stop it too. A person of ours then finds out who is who; nothing is paid meanwhile.
"""

from datetime import timedelta

from sqlalchemy import select

from core.booking.notices import Topic
from core.cases.model import CaseKind
from core.cases.usecases import open_case
from core.db.tx import Tx
from core.errors import Refused
from core.limits import FREEZE_WITHIN_SECONDS
from core.msisdn import mask
from core.outbox import Notice
from core.payouts.details import find_vendor
from core.payouts.usecases import hold_by_admin
from core.people.deeds import Deed, note
from core.people.model import User, Vendor


def freeze_by_phone(tx: Tx, msisdn: str) -> Vendor:
    """Pay a vendor nothing more until a person has looked, and open a case.

    The sender is a number that was told of a change in the last days, or a vendor's own: whom
    the notice was about comes first, for the old number may be another vendor's.
    A second word changes nothing.

    Raises:
        Refused: ``not_vendor``: this number has nothing to stop.
    """
    number = _told(tx, msisdn) or _own(tx, msisdn)
    if number is None:
        raise Refused("not_vendor")
    vendor = find_vendor(tx, number)
    if vendor.payouts_held_why is None:
        hold_by_admin(tx, vendor, f"frozen by SMS from {mask(msisdn)}")
        user_id = tx.db.scalar(select(User.id).where(User.msisdn == msisdn))
        note(tx, vendor.id, user_id, Deed.FROZE)
        facts = {"vendor_id": str(vendor.id), "vendor": vendor.number, "reason": "frozen_by_sms"}
        open_case(tx, CaseKind.PAYOUT_HELD, str(vendor.id), facts=facts, again=True)
    return vendor


def _own(tx: Tx, msisdn: str) -> int | None:
    query = select(Vendor.number).join(User, User.id == Vendor.user_id)
    return tx.db.scalar(query.where(User.msisdn == msisdn))


def _told(tx: Tx, msisdn: str) -> int | None:
    since = tx.now - timedelta(seconds=FREEZE_WITHIN_SECONDS)
    params = tx.db.scalar(
        select(Notice.params)
        .where(
            Notice.msisdn == msisdn,
            Notice.topic == Topic.PAYOUT_CHANGED.value,
            Notice.created_at > since,
        )
        .order_by(Notice.created_at.desc())
        .limit(1)
    )
    return params.get("vendor") if params else None
