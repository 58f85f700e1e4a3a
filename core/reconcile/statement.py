"""What a provider's statement says, in neutral values. Adapters read their files into these."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.errors import Refused
from core.money import KES


class BadStatement(Refused):
    """A file that is not what it should be.

    Codes: ``no_table``, ``no_column``, ``bad_row``, ``truncated``, ``other_account``,
    ``no_account``, ``other_month``, ``too_many_lines``, ``too_large``, ``empty``, ``changed``,
    ``too_many_differences``; data names column, line and what was found.
    """

    code = "bad_statement"


class LineKind(StrEnum):
    """What a line of a statement is about."""

    PAYMENT = "payment"
    CHARGE = "charge"
    """What the provider takes for a payment."""
    REVERSAL = "reversal"
    """A payment taken back."""
    OWN_FUNDS = "own_funds"
    """Our own money moved between our accounts or to our bank."""


@dataclass(frozen=True, slots=True)
class Line:
    """One completed movement.

    Attributes:
        place: its line in the file, from 1.
        number: the provider's receipt.
        names: what else the receipt may be known by.
        at: when, by the provider's clock.
        day_only: the file says no time of day.
        amount_cents: in is positive, out is negative; never zero.
        kind: what it is about.
        currency: ISO 4217.
        reference: what the payer typed or we named: a booking code.
        linked: the receipt that this one is about, when the file says so.
        balance_cents: what the account holds after it, when the file says so.
    """

    place: int
    number: str
    at: datetime
    amount_cents: int
    kind: LineKind = LineKind.PAYMENT
    currency: str = KES
    reference: str = ""
    linked: str = ""
    balance_cents: int | None = None
    day_only: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """What a file says of itself, known once it has been read through.

    Attributes:
        provider: whose it is.
        account: which of our accounts (shortcode) it is about.
        digest: SHA-256 of the file, as hex.
        begins: the first moment that it covers.
        ends: the first moment that it covers no more.
        lines: how many completed movements.
        last_at: when the last of them was.
        newest_first: how the file is ordered.
        opening_cents: what the account held before the first line; None when balances are absent.
        closing_cents: what it holds after the last line; None when balances are absent.
    """

    provider: str
    account: str
    digest: str
    begins: datetime
    ends: datetime
    lines: int
    last_at: datetime
    newest_first: bool = False
    opening_cents: int | None = None
    closing_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read through and found whole.

    Attributes:
        statement: what it says of itself.
        source: gives its lines.
    """

    statement: Statement
    source: "LineSource" = field(repr=False)


class LineSource(Protocol):
    """Gives the lines of a file."""

    def lines(self) -> Iterator[Line]:
        """Read the lines in the file's order; raises BadStatement when the file has changed."""
