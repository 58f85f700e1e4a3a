"""The user data header of a short message, as far as it says which part of a long one it is.

The header is a length and information elements, each with an identifier, a length and its octets
(3GPP TS 23.040 §9.2.3.24). Element 00 joins parts by a reference of one octet, 08 by one of two;
then come how many parts there are and which one this is, from 1 (§9.2.3.24.1 and .8). Of two that
exclude each other the last one counts. Elements that we do not know are none of our business.
"""

from collections.abc import Iterator

from core.limits import SMS_PARTS_MAX
from core.ports.messages import SmsPart

OCTETS_MAX = 140
# Of each element that joins parts: how many octets its reference has.
REFERENCES = {0x00: 1, 0x08: 2}


class BadHeader(Exception):
    """A header says what cannot be; the text is ``length``, ``number`` or ``too_many``."""


def read_part(header: bytes) -> SmsPart | None:
    """Return which part of a long message one is; None for a whole one.

    Raises:
        BadHeader: it is cut off or too long, there is no such part, or there are more than
            ``SMS_PARTS_MAX``.
    """
    part = None
    for identifier, octets in _elements(header):
        if identifier in REFERENCES:
            part = _part(octets, REFERENCES[identifier])
    return None if part is None or part.total == 1 else part


def _elements(header: bytes) -> Iterator[tuple[int, bytes]]:
    if header and (len(header) > OCTETS_MAX or header[0] != len(header) - 1):
        raise BadHeader("length")
    at = 1
    while at < len(header):
        identifier, length = header[at], int.from_bytes(header[at + 1 : at + 2])
        octets = header[at + 2 : at + 2 + length]
        if at + 2 > len(header) or len(octets) < length:
            raise BadHeader("length")
        yield identifier, octets
        at += 2 + length


def _part(octets: bytes, reference_octets: int) -> SmsPart:
    if len(octets) != reference_octets + 2:
        raise BadHeader("length")
    *_, total, number = octets
    if not 1 <= number <= total:
        raise BadHeader("number")
    if total > SMS_PARTS_MAX:
        raise BadHeader("too_many")
    return SmsPart(int.from_bytes(octets[:reference_octets]), total, number)
