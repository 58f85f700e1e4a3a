"""Collecting by M-Pesa charge: a prompt on the customer's phone, as with Daraja."""

from dataclasses import dataclass
from uuid import UUID

from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.wire import PROVIDER, charge_event, number_id
from channels.values import plain, wallet_number, whole_shillings
from core.limits import MPESA_MAX_CENTS, MPESA_MIN_CENTS
from core.money import KES, Money
from core.ports import Accepted, MoneyEvent, ProviderError, PushRequest

CHARGES = "/charges"
VERIFY_OURS = "/transactions/verify_by_reference"


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund that the provider took: its id, and its own word for how it stands."""

    id: str
    status: str


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

    def refund(self, reference: str, amount: Money) -> Refund:
        """Send back a part or all of a charge, to where it came from.

        The provider knows no id of ours for it, so a refund whose answer was lost cannot be told
        from one that was never asked for: look at its list before asking again. Returns of the
        core go out as transfers for this reason.

        Args:
            reference: the provider's id of the charge.
            amount: whole shillings.

        Raises:
            ProviderError: as in ``answers``.
        """
        if not reference.isdigit():
            raise ProviderError("bad_reference", detail="a charge is refunded by its number")
        shillings = whole_shillings(
            amount, at_least_cents=MPESA_MIN_CENTS, at_most_cents=MPESA_MAX_CENTS
        )
        path = f"/transactions/{reference}/refund"
        said = self._client.send(path, {"amount": shillings}, self._client.transfers)
        return Refund(number_id(said), plain(said.get("status")))


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
