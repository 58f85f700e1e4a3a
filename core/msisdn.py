"""Phone numbers: E.164 inside, masked wherever somebody else may look."""

import hashlib
import re

import phonenumbers

from core.errors import BadInput

MSISDN_MAX = 16
# ``2547 ***** 123`` and ``25470****123``: how a paybill shows who paid.
_SHOWN = re.compile(r"(\d{3,})\*+(\d{3,})")


def parse_msisdn(text: str, region: str = "KE") -> str:
    """Return a number in E.164 form.

    Args:
        text: what a person or provider wrote: 0712..., 254712..., +254 712 ...
        region: the country assumed when none is written.

    Raises:
        BadInput: it is no possible number (code ``bad_phone``).
    """
    written = text.strip()
    if any(ch.isalpha() for ch in written):  # The library would read letters as keypad digits.
        raise BadInput("bad_phone")
    if written.startswith("254") and len(written) == 12:
        written = f"+{written}"
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        raise BadInput("bad_phone") from None
    if not phonenumbers.is_possible_number(number):
        raise BadInput("bad_phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_kenyan_mobile(msisdn: str) -> bool:
    """Tell whether a number may have an M-Pesa wallet: a Kenyan mobile of any operator."""
    number = phonenumbers.parse(msisdn)
    return phonenumbers.region_code_for_number(number) == "KE" and phonenumbers.number_type(
        number
    ) in {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}


def mask(msisdn: str) -> str:
    """Return a number that can be logged: +2547****001."""
    return f"{msisdn[:5]}****{ending(msisdn)}" if len(msisdn) > 8 else "****"


def ending(number: str) -> str:
    """Return what is told of a phone or an account to somebody who may know whose it is: 001."""
    return number[-3:]


def is_shown_as(msisdn: str, shown: str) -> bool:
    """Tell whether a provider that hides numbers may mean this one.

    Args:
        msisdn: in E.164.
        shown: masked in the middle, or the SHA-256 of the digits (provider-facts §2.6).
    """
    digits, seen = msisdn.removeprefix("+"), "".join(shown.split()).lower()
    if (parts := _SHOWN.fullmatch(seen)) is not None:
        return digits.startswith(parts[1]) and digits.endswith(parts[2])
    return seen == hashlib.sha256(digits.encode()).hexdigest()


def local_form(msisdn: str) -> str:
    """Return a Kenyan number as Kenyans write it (0712345678); others stay as they are."""
    return f"0{msisdn[4:]}" if msisdn.startswith("+254") else msisdn
