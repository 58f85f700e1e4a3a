"""What all outside systems share: how they fail, how they are, what they call back with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.errors import NafasiError


class ProviderError(NafasiError):
    """An outside system did not do what we asked.

    Attributes:
        retryable: trying again later may help, and cannot do the thing twice.
        unknown: it may have been done; ask before doing it again.
        stop: nothing will go through until a person acts (credentials, empty wallet).
    """

    code = "provider_error"

    def __init__(
        self,
        code: str,
        *,
        retryable: bool = False,
        unknown: bool = False,
        stop: bool = False,
        detail: str = "",
    ) -> None:
        super().__init__(code, detail=detail)
        self.retryable = retryable
        self.unknown = unknown
        self.stop = stop


class BadCallback(NafasiError):
    """A callback's body is not of the provider's form; ``data["field"]`` names what is wrong."""

    code = "bad_callback"


class Health(Protocol):
    """What is known of how providers are."""

    def down(self) -> frozenset[str]:
        """Return the names of providers that are being left alone; quick, and never raises."""


class AllUp:
    """Nobody is known to be down."""

    def down(self) -> frozenset[str]:
        """Return nobody."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class Routes:
    """Which providers' gateways may move money, the preferred one first, and how they are.

    Attributes:
        collection: who takes money from customers.
        payout: who sends money to wallets.
        bank: who sends money to bank accounts.
        health: who is being left alone at the moment.
        card: who takes money from cards.
        taking_back: whose payments go back by being taken back, where a whole one goes back;
            everybody else's are sent back.
    """

    collection: tuple[str, ...] = ("daraja",)
    payout: tuple[str, ...] = ("daraja",)
    bank: tuple[str, ...] = ()
    health: Health = field(default_factory=AllUp)
    card: tuple[str, ...] = ()
    taking_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback as it came, before anybody has understood it.

    Attributes:
        provider: whose it is.
        kind: which of the provider's callbacks.
        reference: what makes it itself: the provider's id, or our attempt id.
        payload: the body, without secrets.
        once: the reference alone makes it itself: another body under it is the same callback.
        person: the number of whoever it comes from; what one person sends is applied in order.
        part_of: which of this person's long messages it is a part of; the same for all its parts.
    """

    provider: str
    kind: str
    reference: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    once: bool = False
    person: str = ""
    part_of: str = ""
