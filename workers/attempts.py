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
from core.payments.model import Attempt, Kind, Method
from core.payouts.halts import halt_on_stop
from core.ports.money import (
    Accepted,
    CardRefund,
    CheckoutRequest,
    MoneyEvent,
    Outcome,
    PayRequest,
    PushRequest,
    TakeBackRequest,
)
from core.ports.providers import ProviderError
from workers.budget import Budget
from workers.counters import ATTEMPTS
from workers.parts import Parts

log = structlog.get_logger()
T = TypeVar("T")

RUN_SECONDS = 15
COLLECTING = (Kind.COLLECTION,)
PAYING = (Kind.PAYOUT, Kind.RETURN)
BAD_CREDENTIALS = "bad_credentials"


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
    if begun is None:
        return 0
    if isinstance(begun, Attempt):
        return _look_into(parts, provider, begun)
    _carry_out(parts, provider, begun)
    return 1


def _carry_out(parts: Parts, provider: str, begun: attempts.Request) -> None:
    """Send what an attempt is to bring about."""
    match begun:
        case PushRequest():
            push = parts.collections[provider].push
            _open(parts, provider, begun.attempt_id, lambda: push(begun))
        case CheckoutRequest():
            page = parts.cards[provider].open
            _open(parts, provider, begun.attempt_id, lambda: page(begun))
        case CardRefund():
            refund = parts.cards[provider].refund
            _pay(parts, provider, begun.attempt_id, lambda: refund(begun))
        case PayRequest():
            pay = parts.payouts[provider].pay
            _pay(parts, provider, begun.attempt_id, lambda: pay(begun))
        case TakeBackRequest():
            _take_back(parts, provider, begun)


def _look_into(parts: Parts, provider: str, begun: Attempt) -> int:
    """Ask what became of an attempt; 1 when there was something to ask by."""
    match begun:
        case Attempt(kind=Kind.COLLECTION, reference=None):
            return 0  # Its answer was lost and the reference with it.
        case Attempt(kind=Kind.COLLECTION):
            _ask(parts, provider, begun)
        case Attempt(takes_back=str() as receipt):
            gateway = parts.takings_back[provider]
            _ask_out(parts, provider, begun, lambda: gateway.ask_taken_back(begun.id, receipt))
        case Attempt(method=Method.CARD):
            cards = parts.cards[provider]
            _ask_out(parts, provider, begun, lambda: cards.ask_refund(begun.id, begun.reference))
        case Attempt():
            payouts = parts.payouts[provider]
            _ask_out(parts, provider, begun, lambda: payouts.ask_payout(begun.id, begun.reference))
    return 1


def _begin(
    parts: Parts, tx: Tx, attempt_id: UUID
) -> tuple[attempts.Request | Attempt | None, str]:
    begun = attempts.begin(tx, attempt_id)
    provider = tx.db.get_one(Attempt, attempt_id).provider
    pushed = isinstance(begun, PushRequest) and parts.collections[provider].asks_by_own_id
    if pushed or isinstance(begun, CheckoutRequest):
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


def _open(parts: Parts, provider: str, attempt_id: UUID, opening: Callable[[], Accepted]) -> None:
    """Have a customer asked for money: by a prompt, or on a page for a card."""
    try:
        answer = _call(parts, provider, opening)
    except ProviderError as error:
        _note_refusal(parts, attempt_id, Kind.COLLECTION, error)
        return
    parts.database.run(lambda tx: attempts.accepted(tx, attempt_id, answer.reference, answer.link))
    _log_call("attempt.pushed", Kind.COLLECTION, "accepted", attempt_id)


def _pay(parts: Parts, provider: str, attempt_id: UUID, paying: Callable[[], Accepted]) -> None:
    """Send money out: to a wallet, to a bank, or back to a card."""
    try:
        answer = _call(parts, provider, paying)
    except ProviderError as error:
        _note_refusal(parts, attempt_id, Kind.PAYOUT, error)
        _halt_on_stop(parts, provider, error)
        return
    parts.database.run(lambda tx: attempts.accepted(tx, attempt_id, answer.reference))
    _log_call("attempt.paid", Kind.PAYOUT, "accepted", attempt_id)


def _take_back(parts: Parts, provider: str, request: TakeBackRequest) -> None:
    gateway = parts.takings_back[provider]
    try:
        answer = _call(parts, provider, lambda: gateway.take_back(request))
    except ProviderError as error:
        _note_refusal(parts, request.attempt_id, Kind.RETURN, error)
        if error.code == BAD_CREDENTIALS:
            _halt_on_stop(parts, provider, error)
        return
    parts.database.run(lambda tx: attempts.accepted(tx, request.attempt_id, answer.reference))
    _log_call("attempt.taking_back", Kind.RETURN, "accepted", request.attempt_id)


def _ask(parts: Parts, provider: str, attempt: Attempt) -> None:
    """Ask about a silent prompt or page; the answer is evidence like any other."""
    reference = attempt.reference
    assert reference is not None, "checked by the caller"
    card = attempt.method is Method.CARD
    gateway = parts.cards[provider] if card else parts.collections[provider]
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


def _ask_out(
    parts: Parts, provider: str, attempt: Attempt, ask: Callable[[], MoneyEvent | None]
) -> None:
    """Ask about a silent payment; the answer is evidence, now or as a callback later."""
    try:
        event = _call(parts, provider, ask)
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
