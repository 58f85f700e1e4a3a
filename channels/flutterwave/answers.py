"""What Flutterwave's immediate answers mean, as a table.

Every answer is ``{"status", "message", "data"}``; a refusal has ``status: error`` and a sentence,
sometimes with HTTP 200. The table is read top down; what it does not know is decided by the HTTP
status (provider-facts §3). A 503 after some 28 s means that it may have been done.

Our codes: ``bad_credentials``, ``misconfigured``, ``duplicate``, ``no_balance``, ``not_found``,
``bad_number``, ``bad_request``, ``rejected``, ``busy``, ``timeout``, ``unavailable``,
``bad_answer``.
"""

from dataclasses import dataclass
from typing import Any

from channels.http import Answer, safe_detail
from channels.values import load, plain
from core.ports.providers import BadCallback, ProviderError


@dataclass(frozen=True, slots=True)
class _Rule:
    """A phrase of the sentence, in lower case, and what it means to us."""

    phrase: str
    code: str
    unknown: bool = False
    stop: bool = False


_RULES = (
    _Rule("authorization", "bad_credentials", stop=True),
    _Rule("invalid key", "bad_credentials", stop=True),
    _Rule("ip whitelisting", "misconfigured", stop=True),
    _Rule("not enabled", "misconfigured", stop=True),
    # The first request with this reference was taken: ask what became of it.
    _Rule("reference already exist", "duplicate", unknown=True),
    _Rule("duplicate", "duplicate", unknown=True),
    _Rule("insufficient", "no_balance", stop=True),
    _Rule("no transaction was found", "not_found"),
    _Rule("transfer not found", "not_found"),
    _Rule("phone_number", "bad_number"),
    _Rule("account_number", "bad_number"),
    _Rule("is required", "bad_request"),
)


def data_of(answer: Answer) -> Any:
    """Return ``data`` of a request that Flutterwave took or answered; decimals stay exact.

    Raises:
        ProviderError: by the table; unknown when the answer leaves open what was done.
    """
    said = _read(answer)
    if not 200 <= answer.status < 300 or said.get("status") != "success":
        raise refusal(answer)
    return said.get("data")


def refusal(answer: Answer) -> ProviderError:
    """Return the error that an answer other than success is."""
    message = plain(_read(answer).get("message"))
    detail = safe_detail(message) if message else answer.detail()
    if answer.status < 500:
        for rule in _RULES:
            if rule.phrase in message.lower():
                return ProviderError(
                    rule.code, unknown=rule.unknown, stop=rule.stop, detail=detail
                )
    return _by_status(answer.status, detail)


def _read(answer: Answer) -> dict[str, Any]:
    try:
        return load(answer.body)
    except BadCallback:
        return {}


def _by_status(status: int, detail: str) -> ProviderError:
    if status in (401, 403):
        return ProviderError("bad_credentials", stop=True, detail=detail)
    if status == 429:
        return ProviderError("busy", retryable=True, detail=detail)
    if 400 <= status < 500 and status != 408:
        return ProviderError("not_found" if status == 404 else "rejected", detail=detail)
    code = "timeout" if status == 408 else "unavailable" if status >= 500 else "bad_answer"
    return ProviderError(code, unknown=True, detail=detail)
