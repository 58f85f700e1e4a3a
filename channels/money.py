"""What a money provider brings with it, so that adding one is a folder and a line.

``channels/<provider>/provider.py`` fills in one ``MoneyProvider``; ``channels.registry`` lists
them; web and workers go through the list.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import redis

from channels.reading import StatementReader
from core.clock import Clock
from core.errors import NafasiError
from core.ports.money import CardGateway, CollectionGateway, PayoutGateway, TakeBackGateway
from core.ports.providers import Callback
from core.reconcile.places import Accounts
from core.settings import Settings


class Forged(NafasiError):
    """A callback does not carry what only its provider knows."""

    code = "forged"


@dataclass(frozen=True, slots=True)
class Gateways:
    """A provider's adapters, opened for one process."""

    collections: CollectionGateway
    payouts: PayoutGateway
    close: Callable[[], None]
    cards: CardGateway | None = None
    takings_back: TakeBackGateway | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """What a webhook is about. It is not believed: the attempt is asked about.

    Attributes:
        attempt_id: ours, as the provider repeats it.
        collects: money comes in by the attempt; else it goes out.
        came_back: it says that money which had arrived came back.
    """

    attempt_id: UUID
    collects: bool
    came_back: bool = False


Accept = Callable[[Settings, Mapping[str, str], bytes], Callback]
"""Settings, headers in lower case, body: what to keep. Raises Forged, BadCallback."""
ReadHint = Callable[[Mapping[str, object]], Hint | None]
"""A kept payload: what to ask about, None when nothing has been decided. Raises BadCallback."""


@dataclass(frozen=True, slots=True)
class MoneyProvider:
    """One provider of money movements.

    Attributes:
        name: as stored with attempts and receipts, and in the addresses of its callbacks.
        called: what customers call it by.
        enabled: whether the settings want it.
        open: makes its adapters.
        accounts: those that the settings say we have with it.
        statements: reads what it exports, one for each form.
        to_banks: it can pay into bank accounts.
        from_cards: it can take money from cards.
        takes_back: it can take payments to us back.
        webhooks: the last part of a callback's address → how to take it.
        hints: an inbox kind → what it asks us to look into.
    """

    name: str
    called: str
    enabled: Callable[[Settings], bool]
    open: Callable[[Settings, redis.Redis, Clock], Gateways]
    accounts: Callable[[Settings], Accounts]
    statements: tuple[StatementReader, ...]
    to_banks: bool = False
    from_cards: bool = False
    takes_back: bool = False
    webhooks: Mapping[str, Accept] = field(default_factory=dict)
    hints: Mapping[str, ReadHint] = field(default_factory=dict)
