"""Collecting by M-Pesa charge: a prompt on the customer's phone, as with Daraja."""

from uuid import UUID

from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.wire import PROVIDER, charge_event, number_id
from channels.values import wallet_number, whole_shillings
from core.limits import MPESA_MAX_CENTS, MPESA_MIN_CENTS
from core.money import KES
from core.ports.money import Accepted, MoneyEvent, PushRequest

CHARGES = "/charges"
VERIFY_OURS = "/transactions/verify_by_reference"


class FlutterwaveCollections:
    """Takes money into the account.

    Args:
        client: of the account.
    """

    name = PROVIDER
    asks_by_own_id = True

    def __init__(self, client: FlutterwaveClient) -> None:
        self._client = client
        self._config = client.config

    def push(self, request: PushRequest) -> Accepted:
        """Show the prompt. ``tx_ref`` is the attempt's id: the same one again is refused.

        Raises:
            ProviderError: ``bad_number``, ``bad_amount`` before anything is sent, else as in
                ``answers``; unknown when a prompt may be on the phone.
        """
        shillings = whole_shillings(
            request.amount, at_least_cents=MPESA_MIN_CENTS, at_most_cents=MPESA_MAX_CENTS
        )
        body = {
            "tx_ref": str(request.attempt_id),
            "amount": shillings,
            "currency": KES,
            "email": self._config.alias(request.msisdn),
            "phone_number": wallet_number(request.msisdn),
            "meta": {"booking": request.reference},
        }
        said = self._client.send(CHARGES, body, self._client.charges, {"type": "mpesa"})
        return Accepted(number_id(said))

    def ask(self, attempt_id: UUID, reference: str) -> MoneyEvent:
        """Verify a charge: by the provider's id, or by ours when that is the reference.

        Raises:
            ProviderError: there is no answer; ``not_found`` when nothing came in under our id.
        """
        return ask_charge(self._client, attempt_id, reference)


def ask_charge(client: FlutterwaveClient, attempt_id: UUID, reference: str) -> MoneyEvent:
    """Verify a charge by the provider's id when the reference is one, else by ours.

    Raises:
        ProviderError: there is no answer; ``not_found`` when nothing came in under our id.
    """
    if reference.isdigit():
        said = client.ask(f"/transactions/{reference}/verify")
    else:
        said = client.ask(VERIFY_OURS, {"tx_ref": str(attempt_id)})
    return charge_event(said, attempt_id)
