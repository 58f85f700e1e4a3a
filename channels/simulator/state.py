"""The simulated world: everything that the providers remember, in memory and bounded.

All of it is touched on one event loop only, so a step between two awaits is atomic.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from channels.simulator.callbacks import Callbacks, Tasks
from channels.simulator.config import SimulatorConfig, Waits
from channels.simulator.credentials import load_private_key
from channels.simulator.faults import Fault, Faults
from channels.simulator.journal import Journal
from channels.simulator.phones import Organisation, Phones
from channels.simulator.references import References
from core.clock import Clock

SMS_MAX = 10_000
PROMPTS_MAX = 20_000
PAYOUTS_MAX = 20_000
TRANSACTIONS_MAX = 40_000

Measure = Callable[[str], dict[str, int]]
"""Counts a text: at least `segments`, and whatever else the phone page shows, as `septets`."""


def count_characters(text: str) -> dict[str, int]:
    """The measure used when none is given: every character counts one, 160 fit a segment."""
    characters = len(text)
    return {"septets": characters, "segments": max(1, math.ceil(characters / 160))}


class PromptState(StrEnum):
    """Where an STK push stands."""

    SENDING = "sending"
    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"


class Outcome(StrEnum):
    """What a person can make of a prompt. `late_paid` turns a failure into a late success."""

    PAID = "paid"
    CANCELLED = "cancelled"
    WRONG_PIN = "wrong_pin"
    INSUFFICIENT = "insufficient"
    TIMEOUT = "timeout"
    NO_CALLBACK = "no_callback"
    DUPLICATE = "duplicate"
    LATE_PAID = "late_paid"


@dataclass(slots=True)
class Prompt:
    """One STK push. The amount is in cents, always whole shillings."""

    id: str
    merchant_request_id: str
    phone: str
    amount_cents: int
    shortcode: str
    business_name: str
    account_reference: str
    description: str
    callback_url: str
    at: datetime
    fault: Fault | None = None
    refused_code: str | None = None
    state: PromptState = PromptState.SENDING
    result_code: str | None = None
    result_text: str = ""
    receipt: str | None = None

    def as_json(self) -> dict[str, object]:
        """The prompt as the control API shows it; the amount in shillings, as on the phone."""
        return {
            "id": self.id,
            "phone": self.phone,
            "amount": self.amount_cents // 100,
            "shortcode": self.shortcode,
            "business_name": self.business_name,
            "account_reference": self.account_reference,
            "description": self.description,
            "status": self.state,
            "at": self.at.isoformat(),
            "result_code": self.result_code,
            "result_text": self.result_text,
            "receipt": self.receipt,
        }


@dataclass(slots=True)
class Payout:
    """One B2C request. `status` is the word that TransactionStatus would use."""

    originator_conversation_id: str
    conversation_id: str
    phone: str
    amount_cents: int
    at: datetime
    status: str = "Initiated"
    receipt: str | None = None
    charge_cents: int = 0


@dataclass(slots=True)
class Charge:
    """One charge of Flutterwave, by M-Pesa or by card. `status` is its own word."""

    id: int
    tx_ref: str
    flw_ref: str
    phone: str
    email: str
    amount_cents: int
    booking: str
    at: datetime
    fault: Fault | None = None
    state: PromptState = PromptState.SENDING
    status: str = "pending"
    response: str = "pending"
    refunded_cents: int = 0
    card: bool = False

    def as_json(self, business_name: str) -> dict[str, object]:
        """The prompt as the control API shows it, in the shape of Daraja's."""
        return {
            "id": str(self.id),
            "provider": "flutterwave",
            "phone": self.phone,
            "amount": self.amount_cents // 100,
            "shortcode": "",
            "business_name": business_name,
            "account_reference": self.booking,
            "description": "Flutterwave",
            "status": self.state,
            "at": self.at.isoformat(),
            "result_code": None if self.status == "pending" else self.status,
            "result_text": self.response,
            "receipt": self.flw_ref if self.state is PromptState.PAID else None,
        }


@dataclass(slots=True)
class ChargeRefund:
    """Money of a charge that goes back. `status` is the provider's own word."""

    id: int
    tx_id: int
    flw_ref: str
    amount_cents: int
    comments: str
    at: datetime
    status: str = "completed"


@dataclass(slots=True)
class Checkout:
    """One page on which a card can be used, until its time is over."""

    token: str
    tx_ref: str
    phone: str
    email: str
    amount_cents: int
    redirect_url: str
    booking: str
    until: datetime
    fault: Fault | None = None


@dataclass(slots=True)
class Outgoing:
    """One Flutterwave transfer. `status` is its own word, in capitals."""

    id: int
    reference: str
    bank: str
    account: str
    name: str
    amount_cents: int
    narration: str
    callback_url: str
    at: datetime
    status: str = "NEW"
    message: str = ""
    fee_cents: int = 0


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale that KRA was told of, or one that takes it back (`R`)."""

    number: int
    kind: str
    total_cents: int
    vat_cents: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """One finished movement of money, found by its receipt. `reference` is the account number."""

    receipt: str
    kind: str
    phone: str
    shortcode: str
    amount_cents: int
    at: datetime
    charge_cents: int = 0
    reference: str = ""
    taken_back: bool = False


class SmsDirection(StrEnum):
    """Which way a message went, seen from the phone."""

    TO_PHONE = "to_phone"
    FROM_PHONE = "from_phone"


@dataclass(slots=True)
class Sms:
    """One message. `status` is the last delivery status, or how our callback was answered."""

    id: str
    direction: SmsDirection
    phone: str
    party: str
    text: str
    at: datetime
    status: str
    counts: dict[str, int]

    def as_json(self) -> dict[str, object]:
        """The message as the control API shows it."""
        to_phone = self.direction is SmsDirection.TO_PHONE
        return {
            "id": self.id,
            "direction": self.direction,
            "from": self.party if to_phone else self.phone,
            "to": self.phone if to_phone else self.party,
            "text": self.text,
            "at": self.at.isoformat(),
            "status": self.status,
            **self.counts,
        }


@dataclass(slots=True)
class Token:
    """The only access token that is good now."""

    value: str
    issued_at: datetime


@dataclass(slots=True)
class C2bUrls:
    """Where C2B goes, and what happens when validation does not answer."""

    validation: str
    confirmation: str
    response_type: str = "Completed"
    registered: bool = False


@dataclass(slots=True)
class Books:
    """What a reset forgets."""

    phones: Phones
    c2b: C2bUrls
    stk: str
    africastalking_cents: int
    organisations: dict[str, Organisation]
    since: datetime
    """When it all began: nothing is known of what was before."""
    sms: dict[str, Sms] = field(default_factory=dict)
    prompts: dict[str, Prompt] = field(default_factory=dict)
    last_prompt: dict[str, Prompt] = field(default_factory=dict)
    payouts: dict[str, Payout] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    flutterwave_cents: int = 0
    flutterwave_last_id: int = 4_412_000
    charges: dict[str, Charge] = field(default_factory=dict)
    """By `tx_ref`."""
    refunds: dict[int, ChargeRefund] = field(default_factory=dict)
    checkouts: dict[str, Checkout] = field(default_factory=dict)
    """By the token in their address."""
    transfers: dict[str, Outgoing] = field(default_factory=dict)
    """By `reference`."""
    etims_sales: dict[int, Sale] = field(default_factory=dict)
    """By `invcNo`."""
    etims_initialised: bool = False
    last_paid_at: dict[tuple[str, int], datetime] = field(default_factory=dict)
    token: Token | None = None
    initiator_failures: int = 0
    jitter_turns: dict[str, int] = field(default_factory=dict)


K = TypeVar("K")
V = TypeVar("V")


def remember(kept: dict[K, V], key: K, value: V, limit: int) -> None:
    """Store a value and forget the oldest one past the limit."""
    kept[key] = value
    if len(kept) > limit:
        del kept[next(iter(kept))]


class World:
    """One set of simulated providers and the phones that they serve."""

    def __init__(self, config: SimulatorConfig, measure: Measure, clock: Clock) -> None:
        self.config = config
        self.measure = measure
        self.now = clock.now
        self.waits = config.waits
        self.private_key: RSAPrivateKey = load_private_key(config.private_key_pem)
        self.references = References(config.seed)
        self.faults = Faults()
        self.journal = Journal(clock.now, config.callback_secret)
        self.tasks = Tasks()
        self.callbacks = Callbacks(self.journal, self.tasks, lambda: self.waits)
        self.books = self._fresh_books()

    def _fresh_books(self) -> Books:
        config = self.config
        organisations = {config.shortcode: Organisation()}
        organisations.setdefault(
            config.b2c_shortcode, Organisation()
        ).utility_cents = config.utility_opening_cents
        if config.till_number:
            organisations.setdefault(config.till_number, Organisation())
        return Books(
            phones=Phones(config.phones, lambda: config.wallet_opening_cents),
            c2b=C2bUrls(config.c2b_url("validation"), config.c2b_url("confirmation")),
            stk=config.stk,
            africastalking_cents=config.africastalking_balance_cents,
            organisations=organisations,
            since=self.now(),
            flutterwave_cents=config.flutterwave_opening_cents,
        )

    async def open(self) -> None:
        """Be ready to send callbacks."""
        await self.callbacks.open()

    async def close(self) -> None:
        """Stop all that is under way."""
        await self.tasks.stop()
        await self.callbacks.close()

    async def reset(self) -> None:
        """Forget everything but the key pair, and drop what is under way."""
        await self.tasks.stop()
        self.faults.clear()
        self.journal.clear()
        self.waits = self.config.waits
        self.books = self._fresh_books()

    def change_waits(self, changes: dict[str, float]) -> None:
        """Replace some waits by name; ValueError for an unknown name or a senseless number."""
        unknown = changes.keys() - {item.name for item in fields(Waits)}
        if unknown:
            raise ValueError(f"no wait named {', '.join(sorted(unknown))}")
        self.waits = replace(self.waits, **changes)

    def waits_json(self) -> dict[str, float]:
        """All waits by name, in seconds."""
        return asdict(self.waits)

    def jitter(self, what: str, choices: int = 2) -> int:
        """Which of several shapes to use this time: they take turns, so tests can tell."""
        if not self.config.type_jitter:
            return 0
        turn = self.books.jitter_turns.get(what, 0)
        self.books.jitter_turns[what] = turn + 1
        return turn % choices

    def new_receipt(self) -> str:
        """A receipt that was never used."""
        while (receipt := self.references.receipt(self.now())) in self.books.transactions:
            pass
        return receipt

    def record(self, transaction: Transaction) -> None:
        """Keep a finished movement so that it can be asked for."""
        remember(self.books.transactions, transaction.receipt, transaction, TRANSACTIONS_MAX)
