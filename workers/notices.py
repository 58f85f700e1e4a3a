"""Sending what we owe people: lease, begin, send, note the outcome; each in its own commit.

The words are made only now, in the language that the person reads today. Nothing is sent twice
for one row: a row that was begun and whose outcome nobody noted becomes ``unknown``.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from core import outbox
from core.clock import NAIROBI
from core.db.tx import Tx
from core.msisdn import mask
from core.outbox import Lane, Words
from core.people.model import Purpose
from core.people.usecases import Said, language_of, may_write, opt_out
from core.ports.messages import SmsOut, SmsSent
from core.ports.providers import ProviderError
from core.talks import channel_of
from sessions.gsm7 import segments
from workers import pause
from workers.budget import Budget
from workers.counters import NOTICES, SMS_CENTS
from workers.parts import Parts
from workers.rates import Place
from workers.sms_routes import hand_over, open_routes

log = structlog.get_logger()

# Few at a time, so that little waits for a lease to run out when a worker dies.
LEASE_MAX = 10
RUN_SECONDS = 15
# Nobody wants an offer at night; Kenyan time.
QUIET_FROM = time(20)
QUIET_UNTIL = time(8)


@dataclass(frozen=True, slots=True)
class Letter:
    """A begun notice, read before its transaction ended."""

    id: UUID
    topic: str
    msisdn: str
    params: dict[str, Any]
    language: str


def run_notices(parts: Parts) -> int:
    """Send what is due, urgent lanes first; return how many messages a provider took."""
    budget = Budget(RUN_SECONDS)
    sent = 0
    while not budget.spent and (routes := open_routes(parts)):
        with parts.rates.place(routes[0].name, budget) as place:
            if place is None:
                break
            leased = parts.database.run(partial(_lease, place=place))
            try:
                for notice_id in leased:
                    sent += _send_notice(parts, notice_id, place)
            except ProviderError:
                return sent
        if len(leased) < _lease_max(place):
            break
    return sent


def _lease_max(place: Place) -> int:
    return 1 if place.limited else LEASE_MAX


def _lease(tx: Tx, place: Place) -> list[UUID]:
    """Take what is most urgent; now and then a bulk message goes before all but codes."""
    most = _lease_max(place)
    if place.serves_bulk:
        for lane in (Lane.OTP, Lane.BULK):
            if leased := outbox.lease(tx, most, lane):
                return leased
    return outbox.lease(tx, most)


def _send_notice(parts: Parts, notice_id: UUID, place: Place) -> int:
    """Send one leased notice; 1 when a provider took it.

    Raises:
        ProviderError: no route takes anything until a person acts.
    """
    letter = parts.database.run(partial(_begin, notice_id=notice_id))
    if letter is None:
        return 0
    try:
        return _deliver(parts, letter, place)
    except ProviderError as error:
        _note_failure(parts, letter, error)
        if error.stop:
            raise
        return 0


def _begin(tx: Tx, notice_id: UUID) -> Letter | None:
    """Take one leased notice, unless it is no longer ours or may not go out now."""
    notice = outbox.begin(tx, notice_id)
    if notice is None:
        return None
    if notice.lane == Lane.BULK:
        if not may_write(tx, notice.msisdn, Purpose.OFFERS):
            outbox.drop(tx, notice_id, "opted_out")
            return None
        if (morning := quiet_until(tx.now)) is not None:
            outbox.postpone(tx, notice_id, morning, "quiet_hours")
            return None
    language = language_of(tx, notice.msisdn)
    # The next step is told for what its reader used last.
    params = {**notice.params, "channel": channel_of(tx, notice.msisdn).value}
    return Letter(notice.id, notice.topic, notice.msisdn, params, language.value)


def quiet_until(now: datetime) -> datetime | None:
    """Return when offers may go out again, or None when they may now."""
    local = now.astimezone(NAIROBI)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return None
    day = local.date() + timedelta(days=1 if local.time() >= QUIET_FROM else 0)
    return datetime.combine(day, QUIET_UNTIL, NAIROBI)


def _deliver(parts: Parts, letter: Letter, place: Place) -> int:
    """Make the words and hand them over; 1 when the provider took them.

    Raises:
        ProviderError: it did not, or nobody knows.
    """
    try:
        body = parts.render(letter.topic, letter.params, letter.language)
        count = segments(body)
    except Exception:
        # A fault of ours, not of the row: a later release may know the words.
        log.exception("notice.unrenderable", notice_id=str(letter.id), topic=letter.topic)
        _failed(parts, letter, "unrenderable", retryable=True, unknown=False)
        return 0
    try:
        provider, answer = hand_over(parts, SmsOut(letter.msisdn, body, str(letter.id)), place)
    except ProviderError:
        raise
    except Exception:
        # An adapter promises ProviderError; anything else leaves open what was sent.
        log.exception("notice.sender_broken", notice_id=str(letter.id))
        _failed(parts, letter, "sender_broken", retryable=False, unknown=True)
        return 0
    price = parts.sms_prices.get(provider)
    estimate = None if price is None else price * count
    words = Words(body, letter.language, count, estimate)
    _note_sent(parts, letter, provider, answer, words)
    return 1


def _note_sent(parts: Parts, letter: Letter, provider: str, answer: SmsSent, words: Words) -> None:
    parts.database.run(lambda tx: outbox.sent(tx, letter.id, provider, answer, words))
    NOTICES.labels("sent").inc()
    cost_cents = words.estimate_cents if answer.cost_cents is None else answer.cost_cents
    if cost_cents is not None:
        SMS_CENTS.labels(provider, letter.topic).inc(cost_cents)
    log.info(
        "notice.sent",
        notice_id=str(letter.id),
        provider=provider,
        topic=letter.topic,
        to=mask(letter.msisdn),
        segments=words.segments,
        cost_cents=answer.cost_cents,
    )


def _note_failure(parts: Parts, letter: Letter, error: ProviderError) -> None:
    """Note why it did not go out; while all routes wait for a person, so does the message."""
    if error.stop and not error.unknown:
        resume = timedelta(seconds=pause.NOTICES_PAUSE_SECONDS)
        parts.database.run(lambda tx: outbox.postpone(tx, letter.id, tx.now + resume, error.code))
        NOTICES.labels("paused").inc()
        return
    if error.code == "opted_out":
        # Blocked at the network: offers would only meet that again. The rest is tried each time,
        # as a person opens it there and nobody tells us.
        said = Said("refusal", str(letter.id), error.code)
        parts.database.run(lambda tx: opt_out(tx, letter.msisdn, Purpose.OFFERS, said))
    _failed(parts, letter, error.code, retryable=error.retryable, unknown=error.unknown)


def _failed(parts: Parts, letter: Letter, code: str, *, retryable: bool, unknown: bool) -> None:
    state = parts.database.run(
        lambda tx: outbox.failed(tx, letter.id, code, retryable=retryable, unknown=unknown)
    )
    NOTICES.labels(state.value).inc()
    log.warning(
        "notice.failed",
        notice_id=str(letter.id),
        topic=letter.topic,
        to=mask(letter.msisdn),
        code=code,
        state=state.value,
    )
