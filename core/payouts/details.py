"""Where a vendor is paid: said by the vendor, checked by a person, held in between.

Whoever could answer a stolen phone would have the money sent elsewhere. So the number that was
paid before is told of a change, a person checks the new place, and nothing goes there for three
days. A payout that is on its way goes on to where it was going.
"""

from collections.abc import Mapping

from sqlalchemy import select

from core import outbox
from core.booking.notices import Topic
from core.catalog.listings import publish_drafts
from core.db.tx import Tx
from core.errors import BadInput, NotFound, Refused
from core.limits import BANK_ACCOUNT_MAX, BANK_CODE_MAX, NAME_MAX
from core.msisdn import ending, is_kenyan_mobile, parse_msisdn
from core.payouts.usecases import look_again
from core.people.model import PayoutMethod, User, Vendor
from core.people.onboarding import activate


def find_vendor(tx: Tx, number: int) -> Vendor:
    """Return a vendor by number, locked until the transaction ends; raises NotFound.

    As it is now: the caller may have looked before, and a person of ours has decided since.
    """
    vendor = tx.db.scalar(
        select(Vendor)
        .where(Vendor.number == number)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if vendor is None:
        raise NotFound("no_vendor")
    return vendor


def change_details(
    tx: Tx, number: int, method: PayoutMethod, details: Mapping[str, str]
) -> Vendor:
    """Note where a vendor wants to be paid from now on, and tell whoever was paid before.

    Args:
        tx: the caller's transaction.
        number: the vendor's.
        method: by M-Pesa or into a bank account.
        details: ``msisdn``, or ``bank`` (its clearing code), ``account`` and ``name``.

    Raises:
        NotFound: ``no_vendor``.
        BadInput: ``bad_phone``, or a field that cannot be used (data: field).
        Refused: ``same_details``.
    """
    vendor = find_vendor(tx, number)
    wanted = _wallet(details) if method is PayoutMethod.MPESA else _bank(details)
    before = tx.vault.open(vendor.payout_sealed) if vendor.payout_sealed is not None else {}
    if vendor.payout_method is method and {**before, **wanted} == before:
        raise Refused("same_details")
    vendor.payout_method = method
    vendor.payout_sealed = tx.vault.seal(wanted)
    vendor.payout_changed_at = tx.now
    vendor.payout_verified_at = None
    place = wanted.get("msisdn") or wanted["account"]
    own = tx.db.scalars(select(User.msisdn).where(User.id == vendor.user_id)).one()
    for msisdn in {own, before.get("msisdn", own)}:
        outbox.add(
            tx,
            Topic.PAYOUT_CHANGED.value,
            msisdn,
            {
                "to_bank": method is PayoutMethod.BANK,
                "ending": ending(place),
                "vendor": vendor.number,
            },
            key=f"{Topic.PAYOUT_CHANGED.value}:{vendor.id}:{tx.now.isoformat()}:{msisdn}",
        )
    return vendor


def verify(tx: Tx, number: int, *, kyc: bool, payout: bool) -> Vendor:
    """Note that a person has checked who a vendor is, where they are paid, or both.

    What was held only for that goes out now; what a vendor drafted who was not checked before
    is on offer.

    Raises:
        NotFound: ``no_vendor``.
        Refused: ``no_details``, there is no place to check.
    """
    vendor = find_vendor(tx, number)
    if payout and vendor.payout_sealed is None:
        raise Refused("no_details")
    if kyc:
        vendor.kyc_verified_at = tx.now
        if activate(tx, vendor):
            publish_drafts(tx, vendor.id)
    if payout:
        vendor.payout_verified_at = tx.now
    tx.db.flush()
    look_again(tx, vendor)
    return vendor


def _wallet(details: Mapping[str, str]) -> dict[str, str]:
    msisdn = parse_msisdn(details.get("msisdn", ""))
    if not is_kenyan_mobile(msisdn):
        raise BadInput("bad_phone")
    return {"msisdn": msisdn}


def _bank(details: Mapping[str, str]) -> dict[str, str]:
    found = {name: details.get(name, "").strip() for name in ("bank", "account", "name")}
    fits = {
        "bank": found["bank"].isdigit() and len(found["bank"]) <= BANK_CODE_MAX,
        "account": found["account"].isalnum() and len(found["account"]) <= BANK_ACCOUNT_MAX,
        "name": 0 < len(found["name"]) <= NAME_MAX and found["name"].isprintable(),
    }
    for name, good in fits.items():
        if not good or not found[name].isascii():
            raise BadInput(field=name)
    return found
