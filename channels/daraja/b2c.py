"""Paying out by B2C version 3, whose OriginatorConversationID is the idempotency key."""

from uuid import UUID

from channels.daraja.answers import is_zero, not_taken, reference
from channels.daraja.client import DarajaClient
from channels.daraja.wire import PROVIDER, wallet_number, whole_shillings
from core.limits import B2C_MIN_CENTS, MPESA_MAX_CENTS
from core.ports.money import Accepted, PayRequest
from core.ports.providers import ProviderError

PAY_PATH = "/mpesa/b2c/v3/paymentrequest"
STATUS_PATH = "/mpesa/transactionstatus/v1/query"
BALANCE_PATH = "/mpesa/accountbalance/v1/query"
REMARKS = "Booking payout"
BALANCE_REMARKS = "Daily balance"
OCCASION_MAX = 100


class DarajaPayouts:
    """Sends money to wallets.

    Args:
        client: of the Daraja application.
    """

    name = PROVIDER

    def __init__(self, client: DarajaClient) -> None:
        self._client = client
        self._config = client.config
        self.accounts = client.config.accounts

    def pay(self, request: PayRequest) -> Accepted:
        """Send money.

        Daraja refuses an id that it has seen: then the payment is there already, and its outcome
        comes by callback or by asking. The reference is then our own id.

        Raises:
            ProviderError: ``bad_number``, ``bad_amount`` before anything is sent, else as in
                ``answers``; unknown when it may have been paid; stop when the operator's
                credentials were refused, because the next try brings their lock closer.
        """
        if request.bank is not None:
            raise ProviderError("misconfigured", detail="no bank payments here")
        number = wallet_number(request.msisdn)
        shillings = whole_shillings(
            request.amount, at_least_cents=B2C_MIN_CENTS, at_most_cents=MPESA_MAX_CENTS
        )
        body = {
            "OriginatorConversationID": str(request.attempt_id),
            "InitiatorName": self._config.initiator_name,
            "SecurityCredential": self._client.credential(),
            "CommandID": "BusinessPayment",
            "Amount": shillings,
            "PartyA": self._config.b2c_shortcode,
            "PartyB": number,
            "Remarks": REMARKS,
            "QueueTimeOutURL": self._config.callback_url("b2c", request.attempt_id, "timeout"),
            "ResultURL": self._config.callback_url("b2c", request.attempt_id, "result"),
            # Misspelt by the provider; the right spelling is ignored.
            "Occassion": request.reference[:OCCASION_MAX],
        }
        try:
            said = self._client.send(PAY_PATH, body, self._client.payouts)
        except ProviderError as error:
            if error.code != "duplicate":
                raise
            return Accepted(str(request.attempt_id))
        if not is_zero(said):
            raise not_taken(said, unknown=True)
        return Accepted(reference(said, "ConversationID"))

    def ask_payout(self, attempt_id: UUID, reference: str | None = None) -> None:  # noqa: ARG002
        """Ask by our own id what became of a payment; the answer is a callback.

        Raises:
            ProviderError: the question was not taken. It changes nothing, so it can be asked
                again unless ``stop`` is set.
        """
        body = {
            "OriginalConversationID": str(attempt_id),
            "PartyA": self._config.b2c_shortcode,
            "ResultURL": self._config.callback_url("status", attempt_id, "result"),
            "QueueTimeOutURL": self._config.callback_url("status", attempt_id, "timeout"),
            "Remarks": REMARKS,
            "Occasion": REMARKS,
        }
        self._client.ask_as_operator(STATUS_PATH, "TransactionStatusQuery", body)

    def ask_balance(self, question_id: UUID, account: str) -> None:
        """Ask what a shortcode of ours holds; the answer is a callback that names the question.

        The operator must be allowed on that shortcode.

        Raises:
            ProviderError: the question was not taken.
        """
        body = {
            "PartyA": account,
            "Remarks": BALANCE_REMARKS,
            "QueueTimeOutURL": self._config.callback_url("balance", question_id, "timeout"),
            "ResultURL": self._config.callback_url("balance", question_id, "result"),
        }
        self._client.ask_as_operator(BALANCE_PATH, "AccountBalance", body)
