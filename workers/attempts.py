"""Moving money: begin in a commit of its own, call the provider, note the answer.

The provider is called outside any transaction. An attempt whose worker died in between is found
by its lease and asked about. When a provider refuses our credentials, no other payment is tried
with it: each further try brings the operator's lock closer.
"""

from collections.abc import Callable, Collection
from typing import TypeVar
from uuid import UUID

import structlog

from core.db.tx import Tx
from core.limits import ATTEMPTS_BATCH_MAX
from core.payments import attempts, settle
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.payouts.halts import halt_on_stop
from core.ports import MoneyEvent, Outcome, PayRequest, ProviderError, PushRequest
from workers.budget import Budget
from workers.counters import ATTEMPTS
from workers.parts import Parts

log = structlog.get_logger()
T = TypeVar("T")

RUN_SECONDS = 15
COLLECTING = (Kind.COLLECTION,)
PAYING = (Kind.PAYOUT, Kind.RETURN)


class Halted(Exception):
    """The provider will take no payment until a person acts."""


def run_attempts(parts: Parts) -> int:
    """Send, ask about or give up what is due; return how many calls were made.

    Prompts go first: their customers hold the phone in their hands.
    """
    return _run(parts, COLLECTING) + _run(parts, PAYING)


def _run(parts: Parts, kinds: Collection[Kind]) -> int:
    budget = Budget(RUN_SECONDS)
    called = 0
    due = parts.database.look(lambda tx: attempts.due_attempts(tx, ATTEMPTS_BATCH_MAX, kinds))
    for attempt_id in due:
        if budget.spent:
            break
        try:
            called += _handle(parts, attempt_id)
        except Halted:
            break
        except Exception:
            # It stays as it is; when its lease runs out it is asked about.
            log.exception("attempt.broken", attempt_id=str(attempt_id))
            ATTEMPTS.labels("any", "broken").inc()
    return called


def _handle(parts: Parts, attempt_id: UUID) -> int:
    """Do the next step of one attempt; 1 when the provider was called."""
    begun, provider = parts.database.run(lambda tx: _begin(parts, tx, attempt_id))
    match begun:
        case None:
            return 0
        case PushRequest():
            _push(parts, provider, begun)
        case PayRequest():
            _pay(parts, provider, begun)
        case Attempt(kind=Kind.COLLECTION, reference=None):
            return 0  # Its answer was lost and the reference with it: there is nothing to ask by.
        case Attempt(kind=Kind.COLLECTION):
            _ask(parts, provider, begun)
        case Attempt():
            _ask_payout(parts, provider, begun)
    return 1


def _begin(
    parts: Parts, tx: Tx, attempt_id: UUID
) -> tuple[PushRequest | PayRequest | Attempt | None, str]:
    begun = attempts.begin(tx, attempt_id)
    provider = tx.db.get_one(Attempt, attempt_id).provider
    if isinstance(begun, PushRequest) and parts.collections[provider].asks_by_own_id:
        attempts.own_reference(tx, attempt_id)
    return begun, provider


def _call(parts: Parts, provider: str, call: Callable[[], T]) -> T:
    """Call a provider and note for everybody how that went; raises what the call raises."""
    try:
        answer = call()
    except ProviderError as error:
        parts.health.note(provider, error)
        raise
    parts.health.note(provider, None)
    return answer


def _push(parts: Parts, provider: str, request: PushRequest) -> None:
    try:
        answer = _call(parts, provider, lambda: parts.collections[provider].push(request))
    except ProviderError as error:
        _note_refusal(parts, request.attempt_id, Kind.COLLECTION, error)
        return
    parts.database.run(lambda tx: attempts.accepted(tx, request.attempt_id, answer.reference))
    _log_call("attempt.pushed", Kind.COLLECTION, "accepted", request.attempt_id)


def _pay(parts: Parts, provider: str, request: PayRequest) -> None:
    try:
        answer = _call(parts, provider, lambda: parts.payouts[provider].pay(request))
    except ProviderError as error:
        _note_refusal(parts, request.attempt_id, Kind.PAYOUT, error)
        _halt_on_stop(parts, provider, error)
        return
    parts.database.run(lambda tx: attempts.accepted(tx, request.attempt_id, answer.reference))
    _log_call("attempt.paid", Kind.PAYOUT, "accepted", request.attempt_id)


def _ask(parts: Parts, provider: str, attempt: Attempt) -> None:
    """Ask about a silent prompt; the answer is evidence like any other."""
    reference = attempt.reference
    assert reference is not None, "checked by the caller"
    gateway = parts.collections[provider]
    try:
        event = _call(parts, provider, lambda: gateway.ask(attempt.id, reference))
    except ProviderError as error:
        _log_call("attempt.asked", attempt.kind, error.code, attempt.id)
        return
    note = parts.database.run(lambda tx: _learn(tx, attempt, event))
    _log_call("attempt.asked", attempt.kind, note or event.outcome.value, attempt.id)


def _learn(tx: Tx, attempt: Attempt, event: MoneyEvent) -> str | None:
    """Apply an answer; of what was lost on its way it may show first that it was taken."""
    taken = event.outcome is Outcome.PENDING and event.reference not in {None, attempt.reference}
    if taken and attempt.state is AttemptState.UNKNOWN:
        assert event.reference is not None, "just looked at"
        attempts.accepted(tx, attempt.id, event.reference)
    return settle.apply(tx, event)


def _ask_payout(parts: Parts, provider: str, attempt: Attempt) -> None:
    """Ask about a silent payment; the answer is evidence, now or as a callback later."""
    gateway = parts.payouts[provider]
    try:
        event = _call(parts, provider, lambda: gateway.ask_payout(attempt.id, attempt.reference))
    except ProviderError as error:
        _log_call("attempt.asked", attempt.kind, error.code, attempt.id)
        _halt_on_stop(parts, provider, error)
        return
    if event is None:
        _log_call("attempt.asked", attempt.kind, "asked", attempt.id)
        return
    note = parts.database.run(lambda tx: _learn(tx, attempt, event))
    _log_call("attempt.asked", attempt.kind, note or event.outcome.value, attempt.id)


def _note_refusal(parts: Parts, attempt_id: UUID, kind: Kind, error: ProviderError) -> None:
    state = parts.database.run(lambda tx: attempts.refused(tx, attempt_id, error))
    ATTEMPTS.labels(kind.value, error.code).inc()
    log.warning(
        "attempt.refused",
        attempt_id=str(attempt_id),
        kind=kind.value,
        code=error.code,
        state=state.value,
        **error.data,
    )


def _halt_on_stop(parts: Parts, provider: str, error: ProviderError) -> None:
    if error.stop:
        parts.database.run(lambda tx: halt_on_stop(tx, provider, error))
        raise Halted


def _log_call(event: str, kind: Kind, result: str, attempt_id: UUID) -> None:
    ATTEMPTS.labels(kind.value, result).inc()
    log.info(event, attempt_id=str(attempt_id), kind=kind.value, result=result)
