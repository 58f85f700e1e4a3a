"""Sending through Kannel: ``GET /cgi-bin/sendsms`` with everything in the query.

202 means that it was taken: ``0: Accepted for delivery`` or ``3: Queued for later delivery``.
Messages have no name there: the address of the delivery report that we give carries ours
(Kannel user guide, "Using sendsms" and "Delivery reports"). Times and results come as ``%d``.
"""

from urllib.parse import urlencode

import httpx

from channels.http import Answer, Breaker, exchange, new_client
from core.ports.messages import SmsOut, SmsSent
from core.ports.providers import ProviderError

PROVIDER = "kannel"
SENDSMS = "/cgi-bin/sendsms"
TAKEN = 202
# Delivered 1, failed 2, buffered 4, taken by the carrier 8, refused by it 16: all of them.
REPORTS = 31


class KannelSms:
    """Sends messages.

    Args:
        username: of the sendsms user.
        password: its password.
        base_url: where the sms box listens.
        sender: a short code or a name.
        report_url: where deliveries are told.
    """

    name = PROVIDER

    def __init__(
        self,
        username: str,
        password: str,
        base_url: str,
        sender: str,
        report_url: str,
        *,
        http: httpx.Client | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._user = {"username": username, "password": password, "from": sender}
        self._report_url = report_url
        self._http = http or new_client(base_url)
        self._breaker = breaker or Breaker()

    def send(self, message: SmsOut) -> SmsSent:
        """Hand a message over. Raises ProviderError with the codes of ``SmsSender.send``."""
        report = f"{self._report_url}?{urlencode({'id': message.id})}&status=%d"
        query = {
            **self._user,
            "to": message.msisdn,
            "text": message.text,
            "charset": "UTF-8",
            "coding": "0",
            "dlr-mask": str(REPORTS),
            "dlr-url": report,
        }
        self._breaker.run(
            lambda: read_sent(exchange(self._http, "GET", SENDSMS, headers={}, query=query))
        )
        return SmsSent(message.id, None)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


def read_sent(answer: Answer) -> None:
    """Read the answer to a message; nothing when it was taken.

    Raises:
        ProviderError: see ``SmsSender.send``.
    """
    detail = answer.detail()
    if answer.status == TAKEN:
        return
    if answer.status in (401, 403):
        raise ProviderError("bad_credentials", retryable=True, stop=True, detail=detail)
    if answer.status == 503:
        # "Temporal failure, try again later": its queue is full, or the carrier is away.
        raise ProviderError("no_route", retryable=True, detail=detail)
    if answer.status >= 500:
        raise ProviderError("unavailable", unknown=True, detail=detail)
    if 400 <= answer.status < 500:
        raise ProviderError("bad_number", detail=detail)
    raise ProviderError("bad_answer", unknown=True, detail=detail)
