"""Ids, receipts and time stamps in the providers' forms."""

import random
from datetime import datetime

from core.clock import NAIROBI

_DIGITS_AND_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_YEAR_OF_LETTER_A = 2006
"""M-Pesa receipts begin with a letter per year: S in 2024, U in 2026."""


def daraja_stamp(at: datetime) -> str:
    """`YYYYMMDDHHmmss` in Nairobi time."""
    return at.astimezone(NAIROBI).strftime("%Y%m%d%H%M%S")


def dotted_stamp(at: datetime) -> str:
    """`DD.MM.YYYY HH:MM:SS`, the other form that Daraja uses, in B2C results."""
    return at.astimezone(NAIROBI).strftime("%d.%m.%Y %H:%M:%S")


class References:
    """Makes ids. With a seed the same run makes the same ids; without one no restart repeats."""

    def __init__(self, seed: int | None) -> None:
        # Nothing here guards anything: these are the ids of pretended providers.
        self._random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311

    def hex(self, length: int) -> str:
        """So many hexadecimal digits."""
        return f"{self._random.getrandbits(4 * length):0{length}x}"

    def ussd_session(self) -> str:
        """A session id as Africa's Talking writes it."""
        return f"ATUid_{self.hex(32)}"

    def message(self) -> str:
        """A message id as Africa's Talking writes it."""
        return f"ATXid_{self.hex(32)}"

    def merchant_request(self) -> str:
        """A MerchantRequestID."""
        return f"{self._random.randrange(1_000, 100_000)}-{self._random.randrange(10**8)}-1"

    def checkout_request(self, at: datetime) -> str:
        """A CheckoutRequestID: `ws_CO_`, day, time, milliseconds and nine digits."""
        local = at.astimezone(NAIROBI)
        tail = f"{local.microsecond // 1000:03d}{self._random.randrange(10**9):09d}"
        return f"ws_CO_{local:%d%m%Y%H%M%S}{tail}"

    def conversation(self, at: datetime) -> str:
        """A ConversationID: `AG_`, date and twenty hexadecimal digits."""
        return f"AG_{at.astimezone(NAIROBI):%Y%m%d}_{self.hex(20)}"

    def flutterwave(self) -> str:
        """A `flw_ref`: capitals and digits after the provider's name."""
        return f"FLW{self.hex(16).upper()}MCK"

    def receipt(self, at: datetime) -> str:
        """Ten capitals and digits; the first three say year, month and day."""
        local = at.astimezone(NAIROBI)
        year = chr(ord("A") + (local.year - _YEAR_OF_LETTER_A) % 26)
        month = chr(ord("A") + local.month - 1)
        day = str(local.day) if local.day < 10 else chr(ord("A") + local.day - 10)
        rest = "".join(self._random.choices(_DIGITS_AND_CAPITALS, k=7))
        return f"{year}{month}{day}{rest}"
