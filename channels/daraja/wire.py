"""How Daraja writes names, dates, receipts and numbers of persons.

What is common to all providers' JSON is in ``channels.values``.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from channels.values import (
    ID_MAX,
    amount,
    identifier,
    load,
    plain,
    redact,
    text,
    wallet_number,
    whole_shillings,
)
from core.clock import NAIROBI
from core.msisdn import parse_msisdn
from core.ports.providers import BadCallback

__all__ = [
    "PROVIDER",
    "amount",
    "child",
    "code",
    "identifier",
    "items",
    "load",
    "moment",
    "payer",
    "plain",
    "receipt",
    "redact",
    "same_id",
    "text",
    "wallet_number",
    "whole_shillings",
]

PROVIDER = "daraja"
ITEMS_MAX = 100

_PLAIN_NUMBER = re.compile(r"\+?254[0-9]{9}")
_RECEIPT = re.compile(r"[A-Z0-9]{6,20}")
_DATES = ("%Y%m%d%H%M%S", "%d.%m.%Y %H:%M:%S")


def child(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object under a name; raises BadCallback when there is none."""
    inner = body.get(name)
    if not isinstance(inner, Mapping):
        raise BadCallback(field=name)
    return inner


def items(holder: object, list_name: str) -> dict[str, Any]:
    """Return name → value of a list of named values.

    Entries are ``{"Name": ..., "Value": ...}`` or ``{"Key": ..., "Value": ...}``, in any order,
    some without a value; one entry alone may stand without its list. The first of a name counts.
    """
    entries = holder.get(list_name) if isinstance(holder, Mapping) else None
    if isinstance(entries, Mapping):
        entries = [entries]
    found: dict[str, Any] = {}
    for entry in (entries if isinstance(entries, list) else [])[:ITEMS_MAX]:
        if isinstance(entry, Mapping):
            name = entry.get("Name", entry.get("Key"))
            if isinstance(name, str):
                found.setdefault(name, entry.get("Value"))
    return found


def code(body: Mapping[str, Any], name: str) -> str:
    """Return a result code, which comes as ``0``, ``"0"`` or ``"SFC_IC0003"``, as text.

    Raises:
        BadCallback: there is none.
    """
    written = plain(body.get(name)).strip()
    if not 0 < len(written) <= ID_MAX or not written.isprintable():
        raise BadCallback(field=name)
    return written


def receipt(value: object) -> str | None:
    """Return an M-Pesa receipt (ten capitals and digits), or None when it is none."""
    written = value.strip().upper() if isinstance(value, str) else ""
    return written if _RECEIPT.fullmatch(written) else None


def moment(value: object) -> datetime | None:
    """Return a Nairobi time, written ``20260115093022`` or ``15.01.2026 10:05:07``, in UTC.

    None when it is neither: no decision hangs on it.
    """
    written = plain(value).strip()
    for form in _DATES:
        try:
            read = datetime.strptime(written, form).replace(tzinfo=NAIROBI)
        except ValueError:
            continue
        try:
            return read.astimezone(UTC)
        except OverflowError:
            return None
    return None


def payer(value: object) -> str | None:
    """Return a number in E.164, or None when it is masked, hashed or absent.

    ``2547 ***** 123``, ``25470****123`` and a SHA-256 are seen where a number is expected.
    """
    written = plain(value)
    return parse_msisdn(written) if _PLAIN_NUMBER.fullmatch(written) else None


def same_id(value: object, attempt_id: UUID) -> bool:
    """Tell whether a callback's id is ours, or is absent (then the address named the attempt)."""
    return value in (None, "") or plain(value).lower() == str(attempt_id)
