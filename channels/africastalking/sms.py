"""Sending text messages through the africastalking SDK, with its answers made readable.

The SDK builds the request; how it is sent and what the answer means is decided here, because the
SDK drops the HTTP status, reads JSON only under one exact content type and lets ``requests``
errors through. Its module-wide ``initialize`` is not used: every sender is an instance.
"""

import ssl
import time
from dataclasses import dataclass
from typing import Any

import requests
from africastalking.SMS import SMSService
from urllib3.exceptions import MaxRetryError, NewConnectionError

from channels.africastalking.form import PROVIDER, cost_cents
from channels.form import ID_MAX
from channels.http import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    READ_SECONDS,
    Answer,
    Breaker,
    is_loopback,
    read_bounded,
    safe_detail,
)
from core.ports.messages import SmsOut, SmsSent
from core.ports.providers import ProviderError

CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What one of the provider's codes means to us."""

    code: str
    retryable: bool = False
    stop: bool = False

    def error(self, detail: str) -> ProviderError:
        return ProviderError(
            self.code, retryable=self.retryable, stop=self.stop, detail=safe_detail(detail)
        )


TAKEN = frozenset({"100", "101", "102"})
"""Processed, sent, queued: accepted, and no delivery yet."""

# A recipient's statusCode and its word (provider-facts §1.5). The word also stands alone, as the
# message of an answer without recipients.
_REFUSALS = {
    ("401", "RiskHold"): _Refusal("held"),
    ("402", "InvalidSenderId"): _Refusal("bad_sender", stop=True),
    ("403", "InvalidPhoneNumber"): _Refusal("bad_number"),
    ("404", "UnsupportedNumberType"): _Refusal("bad_number"),
    ("405", "InsufficientBalance"): _Refusal("no_balance", retryable=True, stop=True),
    ("406", "UserInBlacklist"): _Refusal("opted_out"),
    ("407", "CouldNotRoute"): _Refusal("no_route", retryable=True),
    ("409", "DoNotDisturbRejection"): _Refusal("opted_out"),
    ("500", "InternalServerError"): _Refusal("unavailable", retryable=True),
    ("501", "GatewayError"): _Refusal("no_route", retryable=True),
    ("502", "RejectedByGateway"): _Refusal("no_route", retryable=True),
}
_BY_CODE = {code: refusal for (code, _), refusal in _REFUSALS.items()}
_BY_WORD = {word: refusal for (_, word), refusal in _REFUSALS.items()}
# A new key is refused for some minutes after it is made, so trying later does help.
_BAD_CREDENTIALS = _Refusal("bad_credentials", retryable=True, stop=True)


class _Service(SMSService):  # type: ignore[misc]  # The SDK is untyped.
    """The SDK's service with our base URL, our timeouts and whole answers.

    ``_baseUrl`` and ``_make_request`` are private to the SDK (2.0.3): it offers no other place.
    """

    def __init__(
        self,
        username: str,
        api_key: str,
        base_url: str,
        timeout_seconds: tuple[float, float],
        session: requests.Session,
    ) -> None:
        super().__init__(username, api_key)
        self._baseUrl = f"{base_url.rstrip('/')}/version1"
        self._timeout_seconds = timeout_seconds
        self._session = session
        self._session.trust_env = not is_loopback(base_url)
        self._session.headers["Accept-Encoding"] = "identity"

    def _make_request(
        self, url: str, method: str, headers: Any, data: Any, params: Any, **_sdk: Any
    ) -> Answer:
        deadline = time.monotonic() + ANSWER_SECONDS
        try:
            with self._session.request(
                method,
                url,
                headers=headers,
                data=data,
                params=params,
                timeout=self._timeout_seconds,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = read_bounded(response.iter_content(CHUNK_BYTES), deadline)
                kind = response.headers.get("content-type", "")
                return Answer(response.status_code, kind, content)
        except requests.RequestException as error:
            raise _transport_error(error) from error

    def close(self) -> None:
        self._session.close()


def _transport_error(error: requests.RequestException) -> ProviderError:
    """Say whether a failed exchange may have sent the message."""
    detail = type(error).__name__
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        return ProviderError("unavailable", retryable=True, detail=detail)
    if isinstance(error, requests.Timeout):
        return ProviderError("timeout", unknown=True, detail=detail)
    return ProviderError("unavailable", unknown=True, detail=detail)


def _never_connected(error: requests.RequestException) -> bool:
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, NewConnectionError):
        return True
    return bool(
        reason and reason.args and isinstance(reason.args[0], ssl.SSLCertVerificationError)
    )


class AfricasTalkingSms:
    """Sends messages: ``POST {base_url}/version1/messaging``.

    Success is 201. There is no idempotency key: a message whose answer was lost is unknown and
    must not be sent again by itself.

    Args:
        username: of the application; ``sandbox`` in the sandbox.
        api_key: its key.
        base_url: ``https://api.africastalking.com``, or a simulator.
        sender_id: approved alphanumeric id or short code; None sends from the shared one.
        breaker: shared by whoever talks to this provider.
        session: another way to the provider than the network.
    """

    name = PROVIDER

    def __init__(
        self,
        username: str,
        api_key: str,
        base_url: str,
        sender_id: str | None = None,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        breaker: Breaker | None = None,
        session: requests.Session | None = None,
    ) -> None:
        self._service = _Service(
            username,
            api_key,
            base_url,
            (connect_seconds, read_seconds),
            session or requests.Session(),
        )
        self._sender_id = sender_id or None
        self._breaker = breaker or Breaker()

    def send(self, message: SmsOut) -> SmsSent:
        """Hand a message over. Raises ProviderError with the codes of ``SmsSender.send``."""
        return self._breaker.run(lambda: self._send(message))

    def close(self) -> None:
        """Let go of the connections."""
        self._service.close()

    def _send(self, message: SmsOut) -> SmsSent:
        try:
            answer = self._service.send(message.text, [message.msisdn], self._sender_id)
        except ValueError:
            raise ProviderError("bad_number", detail="not E.164") from None
        return read_sent(answer, message.msisdn)


def read_sent(answer: Answer, msisdn: str) -> SmsSent:
    """Read the answer to a message for one number.

    A 201 may hold a failure: per recipient, or as ``InvalidSenderId`` with no recipients at all.

    Raises:
        ProviderError: see ``SmsSender.send``; ``bad_answer`` is unknown unless the answer plainly
            says that nothing was sent.
    """
    if not 200 <= answer.status < 300:
        raise _http_error(answer)
    data = (answer.json_object() or {}).get("SMSMessageData")
    recipients = data.get("Recipients") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(recipients, list):
        raise ProviderError("bad_answer", unknown=True, detail=answer.detail())
    if not recipients:
        said = str(data.get("Message", ""))
        raise _BY_WORD.get(said, _Refusal("bad_answer")).error(said)
    row = recipients[0]
    if len(recipients) > 1 or not isinstance(row, dict) or row.get("number") != msisdn:
        raise ProviderError("bad_answer", unknown=True, detail="not the recipient we named")
    return _read_recipient(row)


def _read_recipient(row: dict[str, Any]) -> SmsSent:
    code = str(row.get("statusCode", ""))
    if code not in TAKEN:
        refusal = _BY_CODE.get(code)
        if refusal is None:
            raise ProviderError("bad_answer", unknown=True, detail=safe_detail(f"code {code}"))
        raise refusal.error(f"{code} {row.get('status', '')}")
    message_id = row.get("messageId")
    if not isinstance(message_id, str) or not 0 < len(message_id) <= ID_MAX:
        raise ProviderError("bad_answer", unknown=True, detail="no message id")
    return SmsSent(message_id, cost_cents(str(row.get("cost", ""))))


def _http_error(answer: Answer) -> ProviderError:
    detail = answer.detail()
    if answer.status == 401:
        return _BAD_CREDENTIALS.error(detail)
    if answer.status == 429:
        return ProviderError("unavailable", retryable=True, detail=detail)
    if answer.status >= 500:
        return ProviderError("unavailable", unknown=True, detail=detail)
    return ProviderError("bad_answer", detail=detail)
