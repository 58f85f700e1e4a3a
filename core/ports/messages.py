"""Text messages, out and in, and what became of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SmsPart:
    """Which part of a long message one is: ``number`` of ``total``, counted from 1.

    Attributes:
        reference: the sender's phone gives it to all parts of a message; it comes round.
    """

    reference: int
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class SmsIn:
    """A message from a person. ``id`` is the provider's and is seen once.

    Attributes:
        part: which part of a long message it is; None for a whole one.
    """

    provider: str
    id: str
    sender: str
    to: str
    text: str
    part: SmsPart | None = None


@dataclass(frozen=True, slots=True)
class SmsOut:
    """A message to a person: final text, already through the GSM-7 gate.

    Attributes:
        id: ours; by it a route reports that gives messages no name of its own.
    """

    msisdn: str
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class SmsSent:
    """A provider took a message. That is no delivery yet."""

    message_id: str
    cost_cents: int | None


class Delivery(StrEnum):
    """How far a message has come; ranks in this order and never goes back from a final one."""

    ACCEPTED = "accepted"
    SUBMITTED = "submitted"
    BUFFERED = "buffered"
    UNCONFIRMED = "unconfirmed"
    """A status word that we do not know: kept, and overtaken by any final one."""
    DELIVERED = "delivered"
    FAILED = "failed"


FINAL_DELIVERIES = frozenset({Delivery.DELIVERED, Delivery.FAILED})


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of a message we sent."""

    provider: str
    message_id: str
    delivery: Delivery
    status: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OptedOut:
    """A person told the provider that we may not send bulk messages."""

    provider: str
    msisdn: str


class SmsSender(Protocol):
    """Sends text messages."""

    name: str

    def send(self, message: SmsOut) -> SmsSent:
        """Hand a message over.

        Raises:
            ProviderError: with one of the codes ``bad_number``, ``opted_out``, ``bad_sender``,
                ``no_balance``, ``held``, ``no_route``, ``bad_credentials``, ``timeout``,
                ``unavailable``, ``bad_answer``.
        """
