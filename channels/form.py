"""Reading the form bodies and query strings in which aggregators and operators call us.

Written by hand because the USSD hop reads one per keystroke: five fields in a few microseconds.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from core.errors import BadInput
from core.limits import CALLBACK_BODY_MAX_BYTES
from core.msisdn import parse_msisdn
from core.ports.providers import BadCallback

FIELDS_MAX = 40
ID_MAX = 100
WORD_MAX = 64
NUMBER_DIGITS_MAX = 12

# An unescaped plus arrives as a space.
_WRITTEN = re.compile(r"[0-9+ ().-]{1,40}")
_KENYAN = re.compile(r"\+254[0-9]{9}")


def fields(body: bytes) -> dict[str, str]:
    """Return the fields of an ``application/x-www-form-urlencoded`` body.

    Raises:
        BadCallback: too long, too many fields, not UTF-8, or a name twice (which of the two would
            be meant?).
    """
    if len(body) > CALLBACK_BODY_MAX_BYTES:
        raise BadCallback(field="body")
    try:
        pairs = body.decode().split("&", FIELDS_MAX)
    except UnicodeDecodeError:
        raise BadCallback(field="body") from None
    if len(pairs) > FIELDS_MAX:
        raise BadCallback(field="body")
    found: dict[str, str] = {}
    for pair in pairs:
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in name or "+" in name:
            name = _decoded(name, "body")
        if name in found:
            raise BadCallback(field=name[:WORD_MAX])
        found[name] = _decoded(value, name) if "%" in value or "+" in value else value
    return found


def _decoded(text: str, name: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise BadCallback(field=name[:WORD_MAX]) from None


def apart(query: bytes, name: str) -> tuple[bytes, bytes]:
    """Return a field that is octets and no text, and the query without it.

    There are none when it is not there; of a name that is there twice it is all octets together.
    """
    octets, rest = b"", []
    for pair in query.split(b"&"):
        key, _, value = pair.partition(b"=")
        if unquote_to_bytes(key) == name.encode():
            octets += unquote_to_bytes(value.replace(b"+", b" "))
        else:
            rest.append(pair)
    return octets, b"&".join(rest)


def word(found: dict[str, str], name: str, *, max_length: int = WORD_MAX) -> str:
    """Return a field that must be there and printable; raises BadCallback."""
    value = found.get(name, "")
    if not value or len(value) > max_length or not value.isprintable():
        raise BadCallback(field=name)
    return value


def optional_word(found: dict[str, str], name: str, *, max_length: int = WORD_MAX) -> str:
    """Return a field that may be absent or empty; raises BadCallback when it is rubbish."""
    return word(found, name, max_length=max_length) if found.get(name) else ""


def optional_number(found: dict[str, str], name: str) -> int | None:
    """Return a count, or None when it is absent or no number: it is only statistics."""
    value = found.get(name, "")
    if value.isascii() and value.isdigit() and len(value) <= NUMBER_DIGITS_MAX:
        return int(value)
    return None


def phone(found: dict[str, str], name: str) -> str:
    """Return a number in E.164; foreign ones are served.

    Raises:
        BadCallback: no number; with ``impossible`` among its data when it is written like one,
            such as a short code or a number that is cut off.
    """
    written = found.get(name, "")
    if _KENYAN.fullmatch(written):
        return written
    # Letters would be read as on a telephone's keys, and a shop's name become somebody's number.
    if not _WRITTEN.fullmatch(written):
        raise BadCallback(field=name)
    try:
        return parse_msisdn(written)
    except BadInput:
        raise BadCallback(field=name, impossible=True) from None


def storable(found: dict[str, str]) -> dict[str, str]:
    """Return fields as they may be kept: PostgreSQL's JSON holds no NUL."""
    return {name.replace("\x00", ""): value.replace("\x00", "") for name, value in found.items()}


def words(kept: Mapping[str, object]) -> dict[str, str]:
    """Return the fields of a kept form, whatever else stands beside them."""
    return {name: value for name, value in kept.items() if isinstance(value, str)}
