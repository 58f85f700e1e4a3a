"""How values stand in providers' JSON: read exactly, bounded, and fit to be stored.

Nothing here trusts a type: numbers come as text, text as numbers, amounts as decimals.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from core.limits import CALLBACK_BODY_MAX_BYTES
from core.money import CENTS_PER_SHILLING, KES, Money
from core.ports.providers import BadCallback, ProviderError

TEXT_MAX = 160
ID_MAX = 100
DEPTH_MAX = 20
INTEGER_MAX = 10**18
AMOUNT_DIGITS_MAX = 12
AMOUNT_TEXT_MAX = 28

SECRETS = frozenset({"securitycredential", "initiatorname", "initiator", "password"})

_WALLET = re.compile(r"\+254[17][0-9]{8}")


def load(body: bytes) -> dict[str, Any]:
    """Read a callback's body: a JSON object whose decimals stay exact (``1500.00`` is no float).

    Raises:
        BadCallback: too long, too deep, not JSON, or not an object.
    """
    if len(body) > CALLBACK_BODY_MAX_BYTES:
        raise BadCallback(field="body")
    try:
        said = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    # ArithmeticError: an exponent beyond what a decimal can hold.
    except (ValueError, ArithmeticError, RecursionError):
        raise BadCallback(field="body") from None
    if not isinstance(said, dict):
        raise BadCallback(field="body")
    return said


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def redact(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a callback as it may be stored: without our credentials, and as plain JSON.

    The queue-timeout callback echoes our whole request with its SecurityCredential. Decimals
    become strings, which the parsers read as well; what JSON columns refuse (NUL, lone
    surrogates) is replaced; what lies deeper than ``DEPTH_MAX`` is dropped.
    """
    return _storable_object(body, DEPTH_MAX)


def _is_secret(key: object) -> bool:
    return isinstance(key, str) and re.sub(r"[^a-z]", "", key.lower()) in SECRETS


def _storable(value: Any, depth: int) -> Any:
    if isinstance(value, str | Decimal):
        return _storable_text(str(value))
    if isinstance(value, list):
        return [_storable(entry, depth - 1) for entry in value] if depth else None
    if isinstance(value, Mapping):
        return _storable_object(value, depth) if depth else None
    return value


def _storable_object(value: Mapping[str, Any], depth: int) -> dict[str, Any]:
    # Some of these objects are a name beside a value: {"Key": "InitiatorName", "Value": "..."}.
    if _is_secret(value.get("Key", value.get("Name"))):
        return {}
    return {
        _storable_text(key): _storable(entry, depth - 1)
        for key, entry in value.items()
        if not _is_secret(key)
    }


def _storable_text(text: str) -> str:
    return text.replace("\x00", "").encode(errors="replace").decode()


def plain(value: object) -> str:
    """Return text or a whole number as text, anything else as nothing.

    Not ``str``: that fails on what strangers may send, numbers of thousands of digits and objects
    nested a thousand deep.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < INTEGER_MAX:
        return str(value)
    return ""


def identifier(value: object) -> str | None:
    """Return a provider's id, or None when it is absent or no id."""
    if not isinstance(value, str) or not 0 < len(value) <= ID_MAX or not value.isprintable():
        return None
    return value


def text(value: object) -> str:
    """Return a provider's sentence on one line, cut; empty when there is none."""
    line = " ".join(_storable_text(value).split()) if isinstance(value, str) else ""
    return line[:TEXT_MAX]


def amount(value: object, name: str) -> Money | None:
    """Return an amount in shillings (``1500``, ``1500.00``, ``"1500.00"``) exactly, in cents.

    A float can only come from a body that was not read with ``load``; its shortest writing is
    what stood there.

    Raises:
        BadCallback: something stands there that is no amount of whole cents.
    """
    if value is None or value == "":
        return None
    written = str(value) if isinstance(value, float | Decimal) else plain(value).strip()
    # As many characters as a decimal computes with exactly.
    if not 0 < len(written) <= AMOUNT_TEXT_MAX or "_" in written:
        raise BadCallback(field=name)
    try:
        shillings = Decimal(written)
    except InvalidOperation:
        raise BadCallback(field=name) from None
    if not shillings.is_finite() or shillings.adjusted() >= AMOUNT_DIGITS_MAX:
        raise BadCallback(field=name)
    cents = shillings.scaleb(2)
    if cents != cents.to_integral_value():
        raise BadCallback(field=name)
    return Money(int(cents))


def wallet_number(msisdn: str) -> str:
    """Return a wallet's number as payment providers take it: ``2547XXXXXXXX``, no plus.

    Raises:
        ProviderError: ``bad_number``; nobody else has an M-Pesa wallet in Kenya.
    """
    if not _WALLET.fullmatch(msisdn):
        raise ProviderError("bad_number", detail="not a Kenyan mobile")
    return msisdn.removeprefix("+")


def whole_shillings(amount: Money, *, at_least_cents: int, at_most_cents: int) -> int:
    """Return an amount as M-Pesa moves it.

    Raises:
        ProviderError: ``bad_amount``: cents, another currency, or outside the bounds.
    """
    bounded = at_least_cents <= amount.cents <= at_most_cents
    if not bounded or amount.currency != KES or amount.cents % CENTS_PER_SHILLING:
        raise ProviderError("bad_amount", detail=f"{amount.cents} cents {amount.currency}")
    return amount.shillings
