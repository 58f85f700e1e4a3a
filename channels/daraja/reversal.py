"""Having a payment to the paybill taken back (Transaction Reversal, provider-facts §2.9).

Daraja gives such a request no id of ours, but a payment is reversed once: the receipt itself is
the idempotency key, and a second request is told R000001. Whether it was done is asked by the
receipt, too. The money must still lie on the paybill, and the operator must be allowed to do it.
"""

from uuid import UUID

from channels.daraja.answers import is_zero, not_taken, reference
from channels.daraja.b2c import STATUS_PATH
from channels.daraja.client import DarajaClient
from channels.daraja.wire import PROVIDER, whole_shillings
from core.limits import MPESA_MAX_CENTS, MPESA_MIN_CENTS
from core.ports.money import Accepted, TakeBackRequest

REVERSAL_PATH = "/mpesa/reversal/v1/request"
REMARKS = "Booking refund"
# Identifies ReceiverParty as the shortcode that was paid.
RECEIVER_TYPE = "11"


class DarajaReversals:
    """Has payments to the paybill taken back.

    Args:
        client: of the Daraja application.
    """

    name = PROVIDER

    def __init__(self, client: DarajaClient) -> None:
        self._client = client
        self._config = client.config

    def take_back(self, request: TakeBackRequest) -> Accepted:
        """Ask for a payment by its receipt; the outcome is a callback.

        Raises:
            ProviderError: ``bad_amount`` before anything is sent, else as in ``answers``; unknown
                when it may have been done; stop when the operator's credentials were refused.
        """
        body = {
            "Initiator": self._config.initiator_name,
            "SecurityCredential": self._client.credential(),
            "CommandID": "TransactionReversal",
            "TransactionID": request.receipt,
            "Amount": whole_shillings(
                request.amount, at_least_cents=MPESA_MIN_CENTS, at_most_cents=MPESA_MAX_CENTS
            ),
            "ReceiverParty": self._config.shortcode,
            # Misspelt by the provider; the right spelling is refused.
            "RecieverIdentifierType": RECEIVER_TYPE,
            "ResultURL": self._config.callback_url("reversal", request.attempt_id, "result"),
            "QueueTimeOutURL": self._config.callback_url(
                "reversal", request.attempt_id, "timeout"
            ),
            "Remarks": REMARKS,
            "Occasion": REMARKS,
        }
        said = self._client.send(REVERSAL_PATH, body, self._client.payouts)
        if not is_zero(said):
            raise not_taken(said, unknown="ResponseCode" not in said)
        return Accepted(reference(said, "ConversationID"))

    def ask_taken_back(self, attempt_id: UUID, receipt: str) -> None:
        """Ask what has become of the payment itself; the answer is a callback.

        It goes to an address of its own: that a payment is completed means that it was *not*
        taken back.

        Raises:
            ProviderError: the question was not taken.
        """
        body = {
            "TransactionID": receipt,
            "PartyA": self._config.shortcode,
            "ResultURL": self._config.callback_url("reversal", attempt_id, "status"),
            "QueueTimeOutURL": self._config.callback_url("reversal", attempt_id, "timeout"),
            "Remarks": REMARKS,
            "Occasion": REMARKS,
        }
        self._client.ask_as_operator(STATUS_PATH, "TransactionStatusQuery", body)
