"""Collecting by STK push: a prompt on the customer's phone, answered with the M-Pesa PIN."""

import base64
import re
from datetime import datetime
from typing import Any
from uuid import UUID

from channels.daraja.answers import is_zero, not_taken, reference
from channels.daraja.client import DarajaClient
from channels.daraja.results import stk_outcome
from channels.daraja.wire import PROVIDER, code, text, wallet_number, whole_shillings
from core.clock import NAIROBI, Clock
from core.limits import MPESA_MAX_CENTS, MPESA_MIN_CENTS
from core.ports.money import Accepted, MoneyEvent, Outcome, PushRequest
from core.ports.providers import BadCallback, ProviderError

PUSH_PATH = "/mpesa/stkpush/v1/processrequest"
QUERY_PATH = "/mpesa/stkpushquery/v1/query"
# Shown on the phone; at most 13 letters. The sandbox refuses a push without it.
DESCRIPTION = "Booking"

# Longer ones are taken, and then the prompt never appears (provider-facts §2.2).
_REFERENCE = re.compile(r"[A-Za-z0-9]{1,12}")


def timestamp(at: datetime) -> str:
    """Return a moment as Daraja writes it: ``YYYYMMDDHHmmss`` in Nairobi."""
    return at.astimezone(NAIROBI).strftime("%Y%m%d%H%M%S")


def password(shortcode: str, passkey: str, at: str) -> str:
    """Return base64 of shortcode, passkey and timestamp (provider-facts §2.2)."""
    return base64.b64encode(f"{shortcode}{passkey}{at}".encode()).decode()


class DarajaCollections:
    """Takes money into the paybill.

    Args:
        client: of the Daraja application.
        clock: for the timestamp that is part of the password.
    """

    name = PROVIDER
    # The query takes the CheckoutRequestID and nothing else.
    asks_by_own_id = False

    def __init__(self, client: DarajaClient, clock: Clock) -> None:
        self._client = client
        self._config = client.config
        self._clock = clock

    def push(self, request: PushRequest) -> Accepted:
        """Show the prompt. The callback goes to an address that names the attempt.

        Raises:
            ProviderError: ``bad_number``, ``bad_amount``, ``bad_reference`` before anything is
                sent, else as in ``answers``; unknown when a prompt may be on the phone.
        """
        if not _REFERENCE.fullmatch(request.reference):
            raise ProviderError("bad_reference", detail="1 to 12 letters and digits")
        number = wallet_number(request.msisdn)
        shillings = whole_shillings(
            request.amount, at_least_cents=MPESA_MIN_CENTS, at_most_cents=MPESA_MAX_CENTS
        )
        body = {
            **self._signed(),
            "TransactionType": "CustomerPayBillOnline",
            "Amount": shillings,
            "PartyA": number,
            "PartyB": self._config.shortcode,
            "PhoneNumber": number,
            "CallBackURL": self._config.callback_url("stk", request.attempt_id),
            "AccountReference": request.reference,
            "TransactionDesc": DESCRIPTION,
        }
        said = self._client.send(PUSH_PATH, body, self._client.pushes)
        if not is_zero(said):
            raise not_taken(said, unknown="ResponseCode" not in said)
        return Accepted(reference(said, "CheckoutRequestID"))

    def ask(self, attempt_id: UUID, reference: str) -> MoneyEvent:
        """Ask what became of a push.

        The answer names no receipt, amount or number: success by asking is success whose receipt
        is still to come.

        Raises:
            ProviderError: there is no answer.
        """
        body = {**self._signed(), "CheckoutRequestID": reference}
        try:
            said = self._client.ask(QUERY_PATH, body)
        except ProviderError as error:
            if error.code != "pending":
                raise
            return MoneyEvent(PROVIDER, Outcome.PENDING, attempt_id, reference)
        try:
            said_code = code(said, "ResultCode")
        except BadCallback as error:
            raise ProviderError("bad_answer", retryable=True, detail="no ResultCode") from error
        outcome, reason = stk_outcome(said_code)
        return MoneyEvent(
            provider=PROVIDER,
            outcome=outcome,
            attempt_id=attempt_id,
            reference=reference,
            reason=reason,
            code=said_code,
            text=text(said.get("ResultDesc")),
        )

    def _signed(self) -> dict[str, Any]:
        at = timestamp(self._clock.now())
        return {
            "BusinessShortCode": self._config.shortcode,
            "Password": password(self._config.shortcode, self._config.passkey, at),
            "Timestamp": at,
        }
