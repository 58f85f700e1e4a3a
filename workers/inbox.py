"""Applying callbacks that were stored: each in a transaction of its own, by one table.

A callback that cannot be applied yet, or that hits a fault of ours, is put back with a growing
pause and never keeps the others waiting. One that claims what cannot be (a payment that we never
asked for, another amount, another number) changes nothing; a log line and a counter tell of it.
Money by hand that was told of in a form that we cannot read is a dead letter: we cannot ask again.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from urllib.parse import urlencode
from uuid import UUID

import structlog

from channels.africastalking.messages import parse_delivery_report, parse_opt_out, parse_sms
from channels.africastalking.ussd import parse_event
from channels.daraja.balance import parse_balance
from channels.daraja.callbacks import (
    parse_b2c_result,
    parse_b2c_timeout,
    parse_c2b,
    parse_status_result,
    parse_stk,
)
from channels.daraja.reversal_callbacks import (
    parse_reversal_result,
    parse_reversal_status,
    parse_reversal_timeout,
)
from channels.money import ReadHint
from channels.registry import GATEWAYS, PROVIDERS, SMS_ROUTES
from channels.sms import Read
from core import inbox, outbox
from core.db.base import Json
from core.db.tx import Tx
from core.inbox import Arrival, Inbound, NotYet, Unreadable
from core.insight.usecases import note_end
from core.limits import INBOX_BATCH_MAX, INBOX_TRIES_MAX
from core.payments import settle
from core.payments.asking import look_now
from core.payments.model import Kind
from core.payouts.balances import unanswered
from core.people.model import Purpose
from core.people.usecases import Said, opt_out
from core.ports.calls import SessionEnd
from core.ports.messages import Delivery, DeliveryReport, SmsIn
from core.ports.money import MoneyEvent, Outcome
from core.ports.providers import BadCallback, ProviderError
from sessions.dropped import Left
from workers.attempts import COLLECTING, PAYING
from workers.balances import note_answer, note_refusal
from workers.budget import Budget
from workers.counters import CALLBACKS
from workers.drops import note_drop
from workers.long_messages import join_parts
from workers.parts import Parts

log = structlog.get_logger()

RUN_SECONDS = 20
# Claims that do not fit what we know: a mistake of the provider, or somebody's try.
REJECTED = frozenset(
    {
        *("unknown_attempt", "wrong_amount", "wrong_number", "other_receipt", "no_receipt"),
        *("bad_callback", "no_handler", "not_reversible"),
    }
)
# What a confirmation of somebody else's money, or no confirmation at all, fails by.
NOT_OURS = "BusinessShortCode"

Handler = Callable[[Parts, Tx, Inbound], str | None]


def run_inbox(parts: Parts) -> int:
    """Apply waiting callbacks in the order in which they came; return how many were applied.

    After an outage thousands wait: it goes on until there are none, the time is over, or others
    have what is left.
    """
    budget = Budget(RUN_SECONDS)
    total = 0
    while not budget.spent:
        due = parts.database.look(lambda tx: inbox.due(tx, INBOX_BATCH_MAX))
        applied = sum(_apply(parts, each) for each in due if not budget.spent)
        if not applied:
            break
        total += applied
    return total


def _apply(parts: Parts, inbound_id: UUID) -> bool:
    try:
        return parts.database.run(
            lambda tx: inbox.apply(tx, inbound_id, lambda tx, row: _handle(parts, tx, row))
        )
    except NotYet as missing:
        _postpone(parts, inbound_id, str(missing) or "not_yet")
    except Exception as fault:
        log.exception("callback.broken", inbound_id=str(inbound_id))
        _postpone(parts, inbound_id, f"fault {type(fault).__name__}")
    return False


def _postpone(parts: Parts, inbound_id: UUID, note: str) -> None:
    state = parts.database.run(lambda tx: inbox.postpone(tx, inbound_id, note))
    if state is Arrival.DEAD:
        log.error("callback.dead", inbound_id=str(inbound_id), note=note)


def _handle(parts: Parts, tx: Tx, row: Inbound) -> str | None:
    """Do what one callback says; a note when there was nothing to do."""
    handler = HANDLERS.get((row.provider, row.kind))
    if handler is None:
        note: str | None = "no_handler"
    else:
        try:
            note = handler(parts, tx, row)
        except BadCallback as bad:
            # It will not become readable by waiting.
            note = bad.code
        except Unreadable as lost:
            CALLBACKS.labels(row.provider, row.kind, "dead").inc()
            log.error("callback.dead", **_name(row), note=str(lost))  # noqa: TRY400 -- no fault.
            raise
    CALLBACKS.labels(row.provider, row.kind, note or "applied").inc()
    if note in REJECTED:
        log.warning("callback.rejected", **_name(row), note=note)
    else:
        log.info("callback.applied", **_name(row), note=note)
    return note


def _name(row: Inbound) -> dict[str, str]:
    return {"inbound_id": str(row.id), "provider": row.provider, "kind": row.kind}


def _form(row: Inbound) -> bytes:
    """The body of a form callback as its reader takes it."""
    return urlencode(row.payload).encode()


def _sms(parts: Parts, tx: Tx, row: Inbound) -> None:
    parts.desk.handle(tx, parse_sms(_form(row)))


def _delivery_report(_parts: Parts, tx: Tx, row: Inbound) -> str | None:
    return _reported(tx, row, parse_delivery_report(_form(row)))


def _by_route(read: Read) -> Handler:
    """Make the handler of a route's callback: a message or a report."""

    def handle(parts: Parts, tx: Tx, row: Inbound) -> str | None:
        if row.part_of:
            return join_parts(parts.desk, tx, row, read)
        said = read(row.payload)
        if isinstance(said, SmsIn):
            parts.desk.handle(tx, said)
            return None
        return _reported(tx, row, said)

    return handle


def _reported(tx: Tx, row: Inbound, report: DeliveryReport) -> str | None:
    if not outbox.report_delivery(tx, report.provider, report.message_id, report.delivery):
        if row.tries < INBOX_TRIES_MAX - 1:
            # It was faster than the answer to the message itself.
            raise NotYet("unknown_message")
        # That answer was lost, or the message is somebody else's: nobody can do anything about it.
        return "unknown_message"
    if report.delivery in {Delivery.FAILED, Delivery.UNCONFIRMED}:
        log.warning("notice.undelivered", **_name(row), status=report.status, reason=report.reason)
    return None


def _opt_out(_parts: Parts, tx: Tx, row: Inbound) -> None:
    said = parse_opt_out(_form(row))
    opt_out(tx, said.msisdn, Purpose.OFFERS, Said("provider", f"{row.provider} {row.id}"))


def _ussd_event(parts: Parts, tx: Tx, row: Inbound) -> None:
    """Keep how a call ended and what it cost; one that was cut off can be gone on with."""
    event = parse_event(_form(row))
    note_drop(parts, tx, Left(event.provider, event.session_id, event.msisdn))
    note_end(tx, event)
    log.info(
        "session.ended",
        provider=row.provider,
        session_id=event.session_id,
        status=event.status,
        hops=event.hops,
        cost_cents=event.cost_cents,
        duration_ms=event.duration_ms,
    )


def _session_end(_parts: Parts, tx: Tx, row: Inbound) -> None:
    """The same of a gateway that tells it with the call itself."""
    said = row.payload
    network = str(said.get("network") or "")
    end = SessionEnd(row.provider, row.reference, "", str(said["status"]), network=network)
    note_end(tx, end)
    log.info("session.ended", provider=row.provider, session_id=row.reference, **row.payload)


def _money(
    read: Callable[[UUID, Mapping[str, object]], MoneyEvent], kinds: Collection[Kind]
) -> Handler:
    """Make the handler of a callback whose address names an attempt of these kinds."""

    def handle(_parts: Parts, tx: Tx, row: Inbound) -> str | None:
        attempt_id, body = _addressed(row.payload)
        event = read(attempt_id, body)
        if event.outcome is Outcome.SUCCEEDED and event.amount is None:
            # A success that does not say how much is not believed: the provider is asked.
            event = replace(event, outcome=Outcome.UNKNOWN)
        return settle.apply(tx, event, kinds)

    return handle


def _balance(_parts: Parts, tx: Tx, row: Inbound) -> str | None:
    """The answer to a question about one of our accounts; the address names the question."""
    reading_id, body = _addressed(row.payload)
    try:
        balance = parse_balance(body)
    except ProviderError as error:
        note_refusal(tx, reading_id, error)
        return error.code
    return note_answer(tx, reading_id, balance)


def _no_answer(_parts: Parts, tx: Tx, row: Inbound) -> None:
    """A question expired in the provider's queue: it is asked again."""
    reading_id, _ = _addressed(row.payload)
    unanswered(tx, reading_id, "queue_timeout")


def _addressed(payload: Json) -> tuple[UUID, Mapping[str, object]]:
    body = payload.get("body")
    try:
        attempt_id = UUID(str(payload.get("attempt_id")))
    except ValueError:
        raise BadCallback(field="attempt_id") from None
    if not isinstance(body, Mapping):
        raise BadCallback(field="body")
    return attempt_id, body


def _paybill(parts: Parts, tx: Tx, row: Inbound) -> str | None:
    body = row.payload.get("body")
    if not isinstance(body, Mapping):
        raise BadCallback(field="body")
    try:
        event = parse_c2b(body, shortcode=parts.paybill)
    except BadCallback as bad:
        field = bad.data["field"]
        if field == NOT_OURS:
            raise
        # Money has come, and nobody will tell of it again or can be asked: a person must look.
        raise Unreadable(f"{bad.code} {field}") from bad
    return settle.apply(tx, event)


def _hinted(provider: str, read: ReadHint) -> Handler:
    """Make the handler of a webhook that says nothing but that it is time to look."""

    def handle(_parts: Parts, tx: Tx, row: Inbound) -> str | None:
        hint = read(row.payload)
        if hint is None:
            return "nothing_decided"
        kinds = COLLECTING if hint.collects else PAYING
        note = look_now(tx, provider, hint.attempt_id, kinds, came_back=hint.came_back)
        if note == "being_sent":
            # It was faster than the answer to the request itself.
            raise NotYet(note)
        return note

    return handle


HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("africastalking", "sms"): _sms,
    ("africastalking", "delivery_report"): _delivery_report,
    ("africastalking", "opt_out"): _opt_out,
    ("africastalking", "ussd_event"): _ussd_event,
    ("daraja", "stk"): _money(parse_stk, COLLECTING),
    ("daraja", "b2c_result"): _money(parse_b2c_result, PAYING),
    ("daraja", "b2c_timeout"): _money(parse_b2c_timeout, PAYING),
    ("daraja", "status_result"): _money(parse_status_result, PAYING),
    ("daraja", "status_timeout"): _money(parse_b2c_timeout, PAYING),
    ("daraja", "reversal_result"): _money(parse_reversal_result, PAYING),
    ("daraja", "reversal_status"): _money(parse_reversal_status, PAYING),
    ("daraja", "reversal_timeout"): _money(parse_reversal_timeout, PAYING),
    ("daraja", "balance_result"): _balance,
    ("daraja", "balance_timeout"): _no_answer,
    ("daraja", "c2b_confirmation"): _paybill,
    **{
        (route.name, kind): _by_route(read)
        for route in SMS_ROUTES.values()
        for kind, read in route.reads.items()
    },
    **{(name, "ussd_event"): _session_end for name in GATEWAYS if name != "africastalking"},
    **{
        (provider.name, kind): _hinted(provider.name, read)
        for provider in PROVIDERS
        for kind, read in provider.hints.items()
    },
}
