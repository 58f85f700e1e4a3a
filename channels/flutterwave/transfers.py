"""Paying out by transfer, to M-Pesa wallets and to banks; ``reference`` is the idempotency key."""

from collections.abc import Mapping
from uuid import UUID

from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.wire import PROVIDER, WALLETS, number_id, transfer_event
from channels.values import amount, plain, wallet_number, whole_shillings
from core.limits import B2C_MIN_CENTS, MPESA_MAX_CENTS
from core.money import KES
from core.ports.money import Accepted, Balance, MoneyEvent, Outcome, PayRequest
from core.ports.providers import BadCallback, ProviderError

TRANSFERS = "/transfers"
NARRATION = "Booking payout"
BALANCES = "/balances"
WALLET = KES
"""We have one wallet, that of the shilling; it is known by its currency."""


class FlutterwavePayouts:
    """Sends money to wallets and bank accounts.

    Args:
        client: of the account.
    """

    name = PROVIDER
    accounts: tuple[str, ...] = (WALLET,)

    def __init__(self, client: FlutterwaveClient) -> None:
        self._client = client
        self._config = client.config

    def pay(self, request: PayRequest) -> Accepted:
        """Send money.

        A reference that was seen is refused: then the transfer is there already, and our own id
        is what it can be asked by.

        Raises:
            ProviderError: ``bad_number``, ``bad_amount`` before anything is sent, else as in
                ``answers``; unknown when it may have been paid; stop when the key was refused or
                the account is empty.
        """
        shillings = whole_shillings(
            request.amount, at_least_cents=B2C_MIN_CENTS, at_most_cents=MPESA_MAX_CENTS
        )
        body = {
            **_receiver(request),
            "amount": shillings,
            "currency": KES,
            "debit_currency": KES,
            "reference": str(request.attempt_id),
            "narration": NARRATION,
            "callback_url": self._config.webhook_url,
        }
        try:
            said = self._client.send(TRANSFERS, body, self._client.transfers)
        except ProviderError as error:
            if error.code != "duplicate":
                raise
            return Accepted(str(request.attempt_id))
        return Accepted(number_id(said))

    def ask_payout(self, attempt_id: UUID, reference: str | None = None) -> MoneyEvent:
        """Ask what became of a transfer: by the provider's id when we know it, else by ours.

        The list is asked for one reference, and its rows are still compared with it.

        Raises:
            ProviderError: there is no answer.
        """
        if reference is not None and reference.isdigit():
            said = self._client.ask(f"{TRANSFERS}/{reference}")
            return transfer_event(said, attempt_id)
        rows = self._client.ask(TRANSFERS, {"reference": str(attempt_id)})
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, Mapping) and plain(row.get("reference")) == str(attempt_id):
                return transfer_event(row, attempt_id)
        return MoneyEvent(PROVIDER, Outcome.UNKNOWN, attempt_id, code="not_found")

    def ask_balance(self, question_id: UUID, account: str) -> Balance:  # noqa: ARG002
        """Ask what our wallet of a currency holds (``GET /balances/:currency``).

        ``available_balance`` can be sent; what has not been settled yet is ``ledger_balance``'s.
        Charges are taken from the money itself.

        Raises:
            ProviderError: there is no answer, or it cannot be read.
        """
        said = self._client.ask(f"{BALANCES}/{account}")
        told = said if isinstance(said, Mapping) else {}
        try:
            available = amount(told.get("available_balance"), "available_balance")
            held = amount(told.get("ledger_balance"), "ledger_balance")
        except BadCallback as error:
            raise ProviderError("bad_answer", retryable=True, detail="no balance") from error
        if available is None or held is None or plain(told.get("currency")) != account:
            raise ProviderError("bad_answer", retryable=True, detail="no balance")
        return Balance(PROVIDER, available, held)


def _receiver(request: PayRequest) -> dict[str, str]:
    """Where it goes. A wallet needs a name too: M-Pesa shows its owner's, whatever is given."""
    if request.bank is not None:
        return {
            "account_bank": request.bank.bank,
            "account_number": request.bank.account,
            "beneficiary_name": request.bank.name,
        }
    return {
        "account_bank": WALLETS,
        "account_number": wallet_number(request.msisdn),
        "beneficiary_name": request.reference,
    }
