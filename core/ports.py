"""Neutral values and Protocols between the domain and the outside; providers implement them.

Wire words (``101 Sent``, ``ResultCode``) stop in ``channels``; what passes here is ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from core.errors import NafasiError
from core.money import Money


@dataclass(frozen=True, slots=True)
class UssdTurn:
    """One hop of a phone conversation.

    Attributes:
        provider: who brought it (``africastalking``).
        session_id: the provider's name of the conversation.
        msisdn: the caller, E.164.
        service_code: what was dialled.
        transcript: everything typed so far as the provider gives it, parts joined by ``*``.
        network: the provider's network code, empty when not told.
    """

    provider: str
    session_id: str
    msisdn: str
    service_code: str
    transcript: str
    network: str = ""


@dataclass(frozen=True, slots=True)
class UssdPart:
    """One hop of a gateway that brings only what was typed last.

    Attributes:
        typed: what was typed; on the first hop what was dialled after the code, often nothing.
        begins: it is a session's first hop, by the gateway's word.
        number: the gateway's count of the session's hops from 1; None when it does not count,
            so that a repeated hop can only be told from the same key pressed again by its time.
    """

    provider: str
    session_id: str
    msisdn: str
    service_code: str
    typed: str
    begins: bool
    number: int | None = None
    network: str = ""

    def within(self, transcript: str) -> UssdTurn:
        """Return the hop as the end of everything that was typed."""
        return UssdTurn(
            self.provider,
            self.session_id,
            self.msisdn,
            self.service_code,
            transcript,
            self.network,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What one turn shows: GSM-7 text, and whether the conversation is over."""

    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """A provider's word that a conversation is over.

    Attributes:
        status: the provider's own word (``Success``, ``Failed``, ``Incomplete`` ...).
        hops: how many screens were asked of us.
        cost_cents: what the conversation cost us, in Kenyan cents.
        duration_ms: how long it lasted.
        error: why the provider ended it, when it did.
    """

    provider: str
    session_id: str
    msisdn: str
    status: str
    hops: int | None = None
    cost_cents: int | None = None
    service_code: str = ""
    network: str = ""
    duration_ms: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class SmsIn:
    """A message from a person. ``id`` is the provider's and is seen once."""

    provider: str
    id: str
    sender: str
    to: str
    text: str


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
class BankAccount:
    """Where a bank transfer goes.

    Attributes:
        bank: the bank's code in Kenya's clearing house.
        account: its number.
        name: whose it is.
    """

    bank: str
    account: str
    name: str


@dataclass(frozen=True, slots=True)
class PushRequest:
    """Ask a customer's phone for a payment.

    Attributes:
        attempt_id: ours, made and stored before this is sent.
        msisdn: whose wallet pays.
        amount: whole shillings.
        reference: what the prompt and the statement show, at most 12 letters and digits.
    """

    attempt_id: UUID
    msisdn: str
    amount: Money
    reference: str


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """Open a page of the provider's on which a customer pays by card.

    Attributes:
        attempt_id: ours, made and stored before this is sent.
        msisdn: whose page it is; the provider wants to know a customer.
        amount: whole shillings.
        reference: what the page shows: the booking's code.
        page: the token of our own page, to which the person comes back.
    """

    attempt_id: UUID
    msisdn: str
    amount: Money
    reference: str
    page: str


@dataclass(frozen=True, slots=True)
class CardRefund:
    """Give money back to the card that it came from.

    Attributes:
        attempt_id: ours, made and stored before this is sent.
        charge: the provider's id of the payment.
        amount: whole shillings, all of the payment or a part.
    """

    attempt_id: UUID
    charge: str
    amount: Money


@dataclass(frozen=True, slots=True)
class PayRequest:
    """Send money out to a wallet. ``attempt_id`` is the provider's idempotency key too.

    Attributes:
        bank: the account to pay instead of the wallet.
    """

    attempt_id: UUID
    msisdn: str
    amount: Money
    reference: str
    bank: BankAccount | None = None


@dataclass(frozen=True, slots=True)
class TakeBackRequest:
    """Have a payment to us taken back whole. The receipt is the provider's idempotency key.

    Attributes:
        attempt_id: ours, made and stored before this is sent.
        receipt: the provider's receipt of the payment.
        amount: all of it.
    """

    attempt_id: UUID
    receipt: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the request. That is no outcome.

    Attributes:
        reference: the provider's id by which it can be asked (CheckoutRequestID ...).
        link: where the customer goes on in a browser, when that is how they pay.
    """

    reference: str
    link: str | None = None


class Outcome(StrEnum):
    """What is known of a money movement."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REVERSED = "reversed"
    """It had moved, and has come back."""


class Reason(StrEnum):
    """Why a payment failed, in the few kinds that a person is told differently."""

    CANCELLED = "cancelled"
    INSUFFICIENT = "insufficient"
    WRONG_PIN = "wrong_pin"
    UNREACHABLE = "unreachable"
    EXPIRED = "expired"
    SILENT = "silent"
    """Nothing was heard: the money may have moved all the same."""
    BUSY = "busy"
    LIMIT = "limit"
    BAD_RECIPIENT = "bad_recipient"
    NO_FLOAT = "no_float"
    CREDENTIALS = "credentials"
    CONFIGURATION = "configuration"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class MoneyEvent:
    """Evidence of a money movement: from a callback or from asking.

    Attributes:
        provider: who says so.
        outcome: what it says.
        attempt_id: ours, when the evidence names it (our URL, our conversation id).
        reference: the provider's id of the request, when given.
        receipt: the provider's unique receipt (M-Pesa receipt), when money moved and it is told.
        amount: what moved; None when the evidence does not say.
        fee: what the provider took for it from our money with it; None when it does not say.
        payer: the other side's number in E.164, or None when masked or absent.
        payer_shown: what is shown in its place when it is masked or hashed.
        account: what the payer typed as account number (paybill), None otherwise.
        reason: why it failed.
        code: the provider's own code, for logs and support.
        text: the provider's own sentence, for logs and support.
        at: when it moved, by the provider's word.
    """

    provider: str
    outcome: Outcome
    attempt_id: UUID | None = None
    reference: str | None = None
    receipt: str | None = None
    amount: Money | None = None
    payer: str | None = None
    account: str | None = None
    reason: Reason | None = None
    code: str | None = None
    text: str = ""
    at: datetime | None = None
    fee: Money | None = None
    payer_shown: str | None = None


NOT_TAKEN_BACK = "not_taken_back"
"""The code of evidence that a payment to us stands, which its provider was to take back."""


class CollectionGateway(Protocol):
    """Takes money from customers.

    Attributes:
        asks_by_own_id: ``ask`` knows a push by our attempt's id too (as its reference), so that
            one whose answer was lost can be asked about.
    """

    name: str
    asks_by_own_id: bool

    def push(self, request: PushRequest) -> Accepted:
        """Ask for a payment.

        Raises:
            ProviderError: ``bad_number``, ``bad_amount``, ``bad_reference``, ``bad_request``,
                ``rejected``, ``subscriber_busy``, ``busy``, ``bad_credentials``,
                ``misconfigured``, ``timeout``, ``unavailable``, ``bad_answer``, ``pending``;
                ``unknown`` is set when the customer may have been asked.
        """

    def ask(self, attempt_id: UUID, reference: str) -> MoneyEvent:
        """Ask what became of a push; raises ProviderError when there is no answer."""


class CardGateway(Protocol):
    """Takes money from cards, on a page of the provider's: no card number passes through us."""

    name: str

    def open(self, request: CheckoutRequest) -> Accepted:
        """Open the page; what is taken is asked about by our attempt's id.

        Raises:
            ProviderError: as ``CollectionGateway.push``; ``unknown`` when a page may be open.
        """

    def ask(self, attempt_id: UUID, reference: str) -> MoneyEvent:
        """Ask what was paid there; raises ProviderError when there is no answer yet."""

    def refund(self, request: CardRefund) -> Accepted:
        """Give money back; it is not known that a second request would be refused as such.

        Raises:
            ProviderError: as ``PayoutGateway.pay``; ``unknown`` when it may have been done.
        """

    def ask_refund(self, attempt_id: UUID, reference: str | None) -> MoneyEvent:
        """Ask what became of it: by the provider's id of it, or by what we wrote on it.

        Raises:
            ProviderError: there is no answer.
        """


@dataclass(frozen=True, slots=True)
class Balance:
    """What one of our accounts with a provider holds.

    Attributes:
        provider: who says so.
        available: what can be sent from it now.
        held: all that lies there.
        charges: what a separate account says that charges are taken from (``held`` is without
            it); None where charges are taken from the money itself.
    """

    provider: str
    available: Money
    held: Money
    charges: Money | None = None


class PayoutGateway(Protocol):
    """Sends money out.

    Attributes:
        accounts: what we have with the provider; money is sent from the first.
    """

    name: str
    accounts: tuple[str, ...]

    def pay(self, request: PayRequest) -> Accepted:
        """Send money; the same attempt_id again never pays twice. Raises ProviderError."""

    def ask_payout(self, attempt_id: UUID, reference: str | None = None) -> MoneyEvent | None:
        """Ask what became of a payment by our id, or by the provider's when it is known.

        Returns:
            the answer, or None when it comes as a callback.

        Raises:
            ProviderError: there is no answer.
        """

    def ask_balance(self, question_id: UUID, account: str) -> Balance | None:
        """Ask what one of ``accounts`` holds.

        Returns:
            the answer, or None when it comes as a callback that names the question.

        Raises:
            ProviderError: there is no answer; stop when our credentials were refused.
        """


class TakeBackGateway(Protocol):
    """Has payments to us taken back, to whoever made them."""

    name: str

    def take_back(self, request: TakeBackRequest) -> Accepted:
        """Ask for it; a payment is taken back once, however often that is asked for.

        Raises:
            ProviderError: as ``PayoutGateway.pay``.
        """

    def ask_taken_back(self, attempt_id: UUID, receipt: str) -> MoneyEvent | None:
        """Ask whether a payment was taken back; the answer as of ``PayoutGateway.ask_payout``.

        Raises:
            ProviderError: there is no answer.
        """


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
    """

    provider: str
    kind: str
    reference: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    once: bool = False
    person: str = ""


class TaxItem(StrEnum):
    """What is sold, as far as the tax authority is told."""

    SERVICE = "service"
    FEE = "fee"
    ROUNDING = "rounding"


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One line of an invoice.

    Attributes:
        item: what was sold.
        net_cents: without the tax.
        vat_cents: the tax on it.
        basis_points: its rate; 0 for what the tax is not about.
    """

    item: TaxItem
    net_cents: int
    vat_cents: int
    basis_points: int


@dataclass(frozen=True, slots=True)
class TaxDocument:
    """An invoice or a credit note as the tax authority is told of it. It names no customer.

    Attributes:
        number: ours, without gaps over both kinds; makes the document itself.
        label: the number that the customer's paper shows.
        original_number: of a credit note, the number of the invoice that it takes back.
        issued_at: when.
        lines: what it is made of.
    """

    number: int
    label: str
    original_number: int | None
    issued_at: datetime
    lines: tuple[TaxLine, ...]


@dataclass(frozen=True, slots=True)
class TaxRegistered:
    """The authority has it.

    Attributes:
        receipt_number: its own number; None when it only said that it has it already.
        signature: what proves it.
        internal_data: what its own checks need.
    """

    receipt_number: int | None = None
    signature: str | None = None
    internal_data: str | None = None


class TaxRegistrar(Protocol):
    """Tells the tax authority of invoices."""

    name: str

    def register(self, document: TaxDocument) -> TaxRegistered:
        """Have a document registered; the same number again registers nothing twice.

        Raises:
            ProviderError: ``refused`` when the document will not be taken as it is; any other
                code when it may be sent again later, which is safe. ``stop`` is set when nothing
                will be taken until a person acts (device, credentials, order).
        """
