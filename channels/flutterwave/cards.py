"""Collecting from cards on Flutterwave's own page (its "Standard" checkout).

``POST /payments`` answers with a link; the customer types the card there and is led back to
``redirect_url`` with words that anybody could have typed. What happened is asked by ``tx_ref``,
as with any charge (developer.flutterwave.com, Flutterwave Standard). Money goes back to the card
by the charge's number, within 3 to 15 working days (the same, Refunds).
"""

from collections.abc import Mapping
from urllib.parse import urlsplit
from uuid import UUID

from channels.flutterwave.charges import ask_charge
from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.wire import PROVIDER, number_id, refund_event
from channels.values import plain, wallet_number, whole_shillings
from core.limits import CARD_PAGE_SECONDS, MPESA_MAX_CENTS, MPESA_MIN_CENTS
from core.money import KES
from core.ports.money import Accepted, CardRefund, CheckoutRequest, MoneyEvent, Outcome
from core.ports.providers import ProviderError

PAYMENTS = "/payments"
REFUNDS = "/refunds"
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

    def refund(self, request: CardRefund) -> Accepted:
        """Give back a part or all of a charge, to the card that it came from.

        The provider knows no id of ours for it; we write ours into its ``comments``.

        Raises:
            ProviderError: ``bad_reference``, ``bad_amount`` before anything is sent, else as in
                ``answers``; unknown when it may have been done.
        """
        if not request.charge.isdigit():
            raise ProviderError("bad_reference", detail="a charge is refunded by its number")
        shillings = whole_shillings(
            request.amount, at_least_cents=MPESA_MIN_CENTS, at_most_cents=MPESA_MAX_CENTS
        )
        body = {"amount": shillings, "comments": str(request.attempt_id)}
        path = f"/transactions/{request.charge}/refund"
        return Accepted(number_id(self._client.send(path, body, self._client.transfers)))

    def ask_refund(self, attempt_id: UUID, reference: str | None) -> MoneyEvent:
        """Ask how a refund stands: by its number, else look for our id among the newest.

        Raises:
            ProviderError: there is no answer.
        """
        if reference is not None and reference.isdigit():
            return refund_event(self._client.ask(f"{REFUNDS}/{reference}"), attempt_id)
        rows = self._client.ask(REFUNDS)
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, Mapping) and plain(row.get("comments")) == str(attempt_id):
                return refund_event(row, attempt_id)
        return MoneyEvent(PROVIDER, Outcome.UNKNOWN, attempt_id, code="not_found")


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
