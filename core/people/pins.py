"""A vendor's own PIN: chosen by phone, asked for where money or staff change, locked when guessed.

Four digits withstand nobody who has their hash, so that is sealed by the vault.
"""

from datetime import datetime, timedelta

from sqlalchemy import select

from core import outbox
from core.db.tx import Tx
from core.errors import BadInput, Refused
from core.hashing import hashed, is_hashed
from core.limits import VENDOR_PIN_DIGITS, VENDOR_PIN_LOCK_SECONDS, VENDOR_PIN_TRIES_MAX
from core.people.deeds import Deed, note
from core.people.model import User, Vendor
from core.people.notices import VendorTopic

_RUN = "01234567890"


def four_digits(typed: str) -> str:
    """Return what can be a PIN at all; raises BadInput (``pin_digits``)."""
    digits = "".join(typed.split())
    if not (digits.isascii() and digits.isdigit() and len(digits) == VENDOR_PIN_DIGITS):
        raise BadInput("pin_digits")
    return digits


def check_form(pin: str) -> str:
    """Return a PIN as it may be chosen.

    Raises:
        BadInput: ``pin_digits`` not four digits; ``pin_easy`` four the same, or a run such as
            1234 or 9876.
    """
    digits = four_digits(pin)
    if len(set(digits)) == 1 or digits in _RUN or digits[::-1] in _RUN:
        raise BadInput("pin_easy")
    return digits


def seal_pin(tx: Tx, pin: str) -> str:
    """Return what may be kept of a PIN; raises as ``check_form``."""
    return tx.vault.seal(hashed(check_form(pin))).decode()


def is_pin(tx: Tx, kept: str, pin: str) -> bool:
    """Tell whether a PIN is the one of ``seal_pin``."""
    return is_hashed(tx.vault.open(kept.encode()), "".join(pin.split()))


def has_pin(tx: Tx, msisdn: str) -> bool:
    """Tell whether somebody has chosen a PIN."""
    return tx.db.scalar(select(User.pin_hash).where(User.msisdn == msisdn)) is not None


def choose_pin(tx: Tx, vendor: Vendor, kept: str) -> None:
    """Give a vendor's owner the PIN of ``seal_pin``; wrong tries no longer count."""
    owner = _owner(tx, vendor)
    owner.pin_hash = kept
    owner.pin_failures = 0
    note(tx, vendor.id, owner.id, Deed.PIN_CHOSEN)
    _tell(tx, owner, VendorTopic.PIN_CHOSEN)


def check_pin(tx: Tx, vendor: Vendor, pin: str) -> bool:
    """Tell whether the PIN is the owner's. A wrong one is no refusal: it is counted.

    Raises:
        Refused: ``no_pin``, none was chosen; ``own_pin_locked`` (data: until).
    """
    owner = _owner(tx, vendor)
    if owner.pin_hash is None:
        raise Refused("no_pin")
    if (until := _until(owner, tx.now)) is not None:
        raise Refused("own_pin_locked", until=until)
    if is_pin(tx, owner.pin_hash, pin):
        owner.pin_failures = 0
        return True
    owner.pin_failures += 1
    if owner.pin_failures >= VENDOR_PIN_TRIES_MAX:
        owner.pin_failures = 0
        owner.pin_locked_until = tx.now + timedelta(seconds=VENDOR_PIN_LOCK_SECONDS)
        note(tx, vendor.id, owner.id, Deed.PIN_LOCKED)
        _tell(tx, owner, VendorTopic.PIN_LOCKED, until=owner.pin_locked_until.isoformat())
    return False


def locked_until(tx: Tx, vendor: Vendor) -> datetime | None:
    """Return until when no PIN of a vendor's owner is taken; None when one is."""
    return _until(tx.db.get_one(User, vendor.user_id), tx.now)


def reset_pin(tx: Tx, vendor: Vendor, why: str) -> None:
    """Forget the owner's PIN and its lock: a person of ours has made sure who is asking.

    Raises:
        BadInput: no reason is given (data: field).
    """
    if not why.strip():
        raise BadInput(field="why")
    owner = _owner(tx, vendor)
    owner.pin_hash = owner.pin_locked_until = None
    owner.pin_failures = 0
    note(tx, vendor.id, None, Deed.PIN_RESET, why.strip())
    _tell(tx, owner, VendorTopic.PIN_RESET)


def _until(owner: User, now: datetime) -> datetime | None:
    until = owner.pin_locked_until
    return until if until is not None and now < until else None


def _owner(tx: Tx, vendor: Vendor) -> User:
    """The owner, locked: two guesses at once are two guesses."""
    return tx.db.get_one(User, vendor.user_id, with_for_update=True, populate_existing=True)


def _tell(tx: Tx, owner: User, topic: VendorTopic, **params: str) -> None:
    outbox.add(tx, topic.value, owner.msisdn, params)
