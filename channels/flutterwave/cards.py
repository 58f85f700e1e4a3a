"""Collecting from cards on Flutterwave's own page (its "Standard" checkout).

``POST /payments`` answers with a link; the customer types the card there and is led back to
``redirect_url`` with words that anybody could have typed. What happened is asked by ``tx_ref``,
as with any charge (developer.flutterwave.com, Flutterwave Standard).
"""

from urllib.parse import urlsplit
from uuid import UUID

from channels.flutterwave.charges import ask_charge
from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.wire import PROVIDER
from channels.values import plain, wallet_number, whole_shillings
from core.limits import CARD_PAGE_SECONDS, MPESA_MAX_CENTS, MPESA_MIN_CENTS
from core.money import KES
from core.ports import Accepted, CheckoutRequest, MoneyEvent, ProviderError

PAYMENTS = "/payments"
LINK_MAX = 500


class FlutterwaveCards:
    """Takes money from cards.

    Args:
        client: of the account.
    """

    name = PROVIDER

    def __init__(self, client: FlutterwaveClient) -> None:
        self._client = client
        self._config = client.config

    def open(self, request: CheckoutRequest) -> Accepted:
        """Open a page. ``tx_ref`` is the attempt's id; it cannot be paid twice.

        Raises:
            ProviderError: ``bad_number``, ``bad_amount`` before anything is sent, else as in
                ``answers``; unknown when a page may be open.
        """
        shillings = whole_shillings(
            request.amount, at_least_cents=MPESA_MIN_CENTS, at_most_cents=MPESA_MAX_CENTS
        )
        body = {
            "tx_ref": str(request.attempt_id),
            "amount": shillings,
            "currency": KES,
            "redirect_url": f"{self._config.pages_url}/{request.page}",
            "payment_options": "card",
            "session_duration": CARD_PAGE_SECONDS // 60,
            "customer": {
                "email": self._config.alias(request.msisdn),
                "phonenumber": wallet_number(request.msisdn),
            },
            "customizations": {"title": "Nafasi"},
            "meta": {"booking": request.reference},
        }
        said = self._client.send(PAYMENTS, body, self._client.charges)
        return Accepted(str(request.attempt_id), _link(said))

    def ask(self, attempt_id: UUID, _reference: str) -> MoneyEvent:
        """Verify what was paid on the page, by our id.

        Raises:
            ProviderError: there is no answer; ``not_found`` when no card was tried.
        """
        return ask_charge(self._client, attempt_id, str(attempt_id))


def _link(said: object) -> str:
    """Return the page's address; a browser is sent there, so it must be one, and by https.

    Raises:
        ProviderError: ``bad_answer`` and unknown, it is none.
    """
    link = plain(said.get("link")) if isinstance(said, dict) else ""
    found = urlsplit(link) if len(link) <= LINK_MAX else urlsplit("")
    safe = found.scheme == "https" or found.hostname in {"127.0.0.1", "localhost"}
    if not (found.hostname and safe):
        raise ProviderError("bad_answer", unknown=True, detail="no link")
    return link
