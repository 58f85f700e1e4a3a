"""Moving money: what is asked of providers, what they answer, and how they are asked."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.money import Money


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
    CAME_BACK = "came_back"
    """It arrived and came back before we knew of its arrival: nothing of it is in our books."""
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
