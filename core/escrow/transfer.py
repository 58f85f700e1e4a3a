"""A transfer: one movement of money, made of legs that cancel out. Pure values."""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from core.errors import Unposted
from core.escrow.accounts import kind_of
from core.money import Money

LEGS_MIN = 2
LEGS_MAX = 32
KEY_MAX = 200


class TransferKind(StrEnum):
    """Why money moved."""

    PAID = "paid"
    RELEASED = "released"
    RETAINED = "retained"
    PAID_OUT = "paid_out"
    RETURNED = "returned"
    SUSPENDED = "suspended"
    MATCHED = "matched"
    SET_ASIDE = "set_aside"
    SENT_BACK = "sent_back"
    CHARGED = "charged"
    PAID_BACK = "paid_back"
    CAME_BACK = "came_back"
    SENT_AGAIN = "sent_again"
    TAX_PAID = "tax_paid"


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a transfer.

    Attributes:
        account: the account's path.
        amount: debit positive, credit negative, never zero.
    """

    account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of money.

    Attributes:
        key: names the occurrence; the same key moves money once, however often it is posted.
        kind: why money moves.
        legs: at least two; they sum to zero in each currency.
        booking_id: the booking that it belongs to, when it belongs to one.

    Raises:
        Unposted: no such movement can be; ``reason`` in its data says why.
    """

    key: str
    kind: TransferKind
    legs: tuple[Leg, ...]
    booking_id: UUID | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.key) <= KEY_MAX:
            raise Unposted(reason="key_length")
        if not LEGS_MIN <= len(self.legs) <= LEGS_MAX:
            raise Unposted(reason="legs", key=self.key)
        totals: defaultdict[str, int] = defaultdict(int)
        for leg in self.legs:
            if leg.amount.cents == 0:
                raise Unposted(reason="empty_leg", key=self.key, account=leg.account)
            try:
                kind_of(leg.account)
            except ValueError:
                raise Unposted(
                    reason="unknown_account", key=self.key, account=leg.account
                ) from None
            totals[leg.amount.currency] += leg.amount.cents
        if any(totals.values()):
            raise Unposted(reason="unbalanced", key=self.key)

    @property
    def digest(self) -> bytes:
        """SHA-256 of what moves (not of the key); the order of the legs does not matter."""
        legs = sorted([leg.account, leg.amount.currency, leg.amount.cents] for leg in self.legs)
        content = [self.kind.value, str(self.booking_id or ""), legs]
        return hashlib.sha256(json.dumps(content).encode()).digest()
