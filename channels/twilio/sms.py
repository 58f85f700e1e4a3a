"""Sending through Twilio: ``POST /2010-04-01/Accounts/{sid}/Messages.json``.

A form of ``To From Body StatusCallback`` with the account and its token as basic authentication.
201 takes a message and names it (``sid``); everything else says why not with a ``code``
(twilio.com/docs/api/errors). There is no idempotency key.
"""

import base64
from collections.abc import Mapping

import httpx

from channels.form import ID_MAX
from channels.http import Answer, Breaker, exchange, new_client, safe_detail
from channels.values import plain
from core.ports.messages import SmsOut, SmsSent
from core.ports.providers import ProviderError

PROVIDER = "twilio"
TAKEN = 201
# Their codes, ours, and whether a person has to act before anything goes through.
_REFUSALS: Mapping[str, tuple[str, bool]] = {
    "20003": ("bad_credentials", True),
    "20404": ("bad_credentials", True),
    "20005": ("no_balance", True),
    "21210": ("bad_sender", True),
    "21606": ("bad_sender", True),
    "21612": ("no_route", False),
    "21408": ("no_route", False),
    "21211": ("bad_number", False),
    "21214": ("bad_number", False),
    "21614": ("bad_number", False),
    "21610": ("opted_out", False),
    "30002": ("no_balance", True),
}
_LATER_HELPS = frozenset({"no_balance", "bad_credentials"})


class TwilioSms:
    """Sends messages.

    Args:
        account_sid: of the account.
        auth_token: its token; it also signs what Twilio sends us.
        base_url: ``https://api.twilio.com``, or a simulator.
        sender: a number or an alphanumeric name that is ours there.
        report_url: where deliveries are told.
    """

    name = PROVIDER

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        base_url: str,
        sender: str,
        report_url: str,
        *,
        http: httpx.Client | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._path = f"/2010-04-01/Accounts/{account_sid}/Messages.json"
        word = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {word}"}
        self._sender, self._report_url = sender, report_url
        self._http = http or new_client(base_url)
        self._breaker = breaker or Breaker()

    def send(self, message: SmsOut) -> SmsSent:
        """Hand a message over. Raises ProviderError with the codes of ``SmsSender.send``."""
        form = {
            "To": message.msisdn,
            "From": self._sender,
            "Body": message.text,
            "StatusCallback": self._report_url,
        }
        return self._breaker.run(
            lambda: read_sent(
                exchange(self._http, "POST", self._path, headers=self._headers, form=form)
            )
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


def read_sent(answer: Answer) -> SmsSent:
    """Read the answer to a message. What it costs is told later, and not to us.

    Raises:
        ProviderError: see ``SmsSender.send``.
    """
    said = answer.json_object() or {}
    if answer.status == TAKEN:
        sid = plain(said.get("sid"))
        if not 0 < len(sid) <= ID_MAX:
            raise ProviderError("bad_answer", unknown=True, detail="no message id")
        return SmsSent(sid, None)
    detail = safe_detail(plain(said.get("message"))) or answer.detail()
    code = plain(said.get("code"))
    if code in _REFUSALS:
        ours, stop = _REFUSALS[code]
        raise ProviderError(ours, retryable=ours in _LATER_HELPS, stop=stop, detail=detail)
    if answer.status == 401:
        raise ProviderError("bad_credentials", retryable=True, stop=True, detail=detail)
    if answer.status == 429:
        raise ProviderError("unavailable", retryable=True, detail=detail)
    if answer.status >= 500:
        raise ProviderError("unavailable", unknown=True, detail=detail)
    raise ProviderError("bad_answer", unknown=200 <= answer.status < 300, detail=detail)
