"""Whole numbers as people type them on a keypad."""

from core.errors import BadInput

NUMBER_DIGITS_MAX = 12


def whole_number(typed: str, *, least: int = 1, most: int) -> int:
    """Return a typed whole number; ``1,200`` and ``1 200`` are 1200.

    Raises:
        BadInput: ``bad_number``, or ``too_small`` / ``too_big`` with the bound as data.
    """
    digits = typed.replace(",", "").replace(" ", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("-+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > NUMBER_DIGITS_MAX:
        raise BadInput("bad_number")
    number = sign * int(digits)
    if number < least:
        raise BadInput("too_small", least=least)
    if number > most:
        raise BadInput("too_big", most=most)
    return number
