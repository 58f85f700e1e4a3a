"""What Daraja's immediate answers mean, as a table.

An error has an HTTP status, a code and a sentence, and none of them can be trusted alone: one
code means four things, gateways answer in their own form, proxies in HTML, and some bodies are
empty. The table is read top down; what it does not know is decided by the HTTP status.

Our codes: ``bad_request``, ``bad_number``, ``bad_amount``, ``bad_credentials``,
``misconfigured``, ``rejected``, ``busy``, ``subscriber_busy``, ``pending``, ``duplicate``,
``already_registered``, ``timeout``, ``unavailable``, ``bad_answer``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels.daraja.wire import identifier, plain
from channels.http import Answer, safe_detail
from core.ports.providers import ProviderError

# An expired token, or one that a newer one replaced (provider-facts §2.1).
TOKEN_CODES = frozenset({"404.001.03", "401.002.01", "401.003.01", "400.003.01"})
# The operator's password is wrong, or locked after too many tries: never try it a second time.
OPERATOR_REFUSED = ("2001", "8006")


@dataclass(frozen=True, slots=True)
class _Rule:
    """An error's code, or a phrase in it, and what that means to us."""

    said_code: str
    phrase: str
    code: str
    retryable: bool = False
    unknown: bool = False
    stop: bool = False


# provider-facts §2.4. An empty said_code or phrase fits every one.
_RULES = (
    _Rule("400.002.02", "phonenumber", "bad_number"),
    _Rule("400.002.02", "amount", "bad_amount"),
    _Rule("400.002.02", "", "bad_request"),
    _Rule("400.002.05", "", "bad_request"),
    _Rule("400.003.02", "", "bad_request"),
    _Rule("400.008.01", "", "bad_credentials", retryable=True, stop=True),
    _Rule("400.008.02", "", "misconfigured", stop=True),
    _Rule("404.001.04", "", "misconfigured", stop=True),
    _Rule("404.001.01", "", "misconfigured", stop=True),
    _Rule("404.002.01", "", "misconfigured", stop=True),
    _Rule("404.003.01", "", "misconfigured", stop=True),
    _Rule("405.001", "", "misconfigured", stop=True),
    _Rule("500.001.1001", "merchant does not exist", "misconfigured", stop=True),
    _Rule("500.001.1001", "wrong credentials", "bad_credentials", stop=True),
    _Rule("500.001.1001", "unable to lock subscriber", "subscriber_busy", retryable=True),
    _Rule("500.001.1001", "being processed", "pending", unknown=True),
    _Rule("500.002.1001", "", "duplicate", unknown=True),
    _Rule("500.003.02", "", "busy", retryable=True),
    _Rule("500.003.03", "", "busy", retryable=True),
    _Rule("500.003.1001", "already registered", "already_registered"),
    _Rule("00.002.1001", "", "unavailable", retryable=True),
    # The gateway before Daraja (Apigee) has codes of its own.
    _Rule("policies.ratelimit.SpikeArrestViolation", "", "busy", retryable=True),
    _Rule("policies.ratelimit.QuotaViolation", "", "busy", retryable=True),
    _Rule("", "spike arrest", "busy", retryable=True),
    _Rule("", "no apiproduct match", "misconfigured", stop=True),
    *(_Rule(code, "", "bad_credentials", stop=True) for code in OPERATOR_REFUSED),
)


def accepted(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of a request that Daraja took or answered.

    Raises:
        ProviderError: by the table; unknown when the answer leaves open what was done.
    """
    said = answer.json_object()
    is_error = said is None or not said.keys().isdisjoint({"errorCode", "fault", "Envelope"})
    if not 200 <= answer.status < 300 or is_error:
        raise refusal(answer)
    assert said is not None, "an answer that is no object is an error"
    return said


def is_token_refused(answer: Answer) -> bool:
    """Tell whether Daraja did not take our token; then it has done nothing."""
    said_code, phrase = _said(answer)
    return said_code in TOKEN_CODES or (answer.status == 401 and "access token" in phrase)


def refusal(answer: Answer) -> ProviderError:
    """Return the error that an answer other than success is."""
    said_code, phrase = _said(answer)
    detail = safe_detail(f"{said_code} {phrase}") if said_code or phrase else answer.detail()
    if is_token_refused(answer):
        return ProviderError("bad_credentials", retryable=True, stop=True, detail=detail)
    for rule in _RULES:
        if rule.said_code in ("", said_code) and rule.phrase in phrase:
            return ProviderError(
                rule.code,
                retryable=rule.retryable,
                unknown=rule.unknown,
                stop=rule.stop,
                detail=detail,
            )
    return _by_status(answer.status, detail)


def not_taken(said: Mapping[str, Any], *, unknown: bool) -> ProviderError:
    """Return the error of an answer whose ``ResponseCode`` is not 0."""
    said_code = plain(said.get("ResponseCode"))
    detail = safe_detail(f"{said_code} {plain(said.get('ResponseDescription'))}")
    if said_code in OPERATOR_REFUSED:
        return ProviderError("bad_credentials", stop=True, detail=detail)
    return ProviderError("rejected", unknown=unknown, detail=detail)


def reference(said: Mapping[str, Any], name: str) -> str:
    """Return the provider's id of what it took; raises ProviderError when it named none."""
    named = identifier(said.get(name))
    if named is None:
        raise ProviderError("bad_answer", unknown=True, detail=f"no {name}")
    return named


def is_zero(said: Mapping[str, Any]) -> bool:
    """Tell whether ``ResponseCode`` is 0, as a number or as text."""
    return plain(said.get("ResponseCode")) == "0"


def _said(answer: Answer) -> tuple[str, str]:
    """The error's code and its sentence in lower case, in Daraja's form or its gateway's."""
    said = answer.json_object() or {}
    fault = said.get("fault")
    if isinstance(fault, Mapping):
        detail = fault.get("detail")
        named = detail.get("errorcode") if isinstance(detail, Mapping) else None
        return plain(named), plain(fault.get("faultstring")).lower()
    return plain(said.get("errorCode")).strip(), plain(said.get("errorMessage")).lower()


def _by_status(status: int, detail: str) -> ProviderError:
    if status == 429:
        return ProviderError("busy", retryable=True, detail=detail)
    if status == 408:
        return ProviderError("timeout", unknown=True, detail=detail)
    if status >= 500:
        return ProviderError("unavailable", unknown=True, detail=detail)
    if status >= 400:
        return ProviderError("rejected", detail=detail)
    if status >= 300:
        return ProviderError("misconfigured", stop=True, detail=detail)
    return ProviderError("bad_answer", unknown=True, detail=detail)
