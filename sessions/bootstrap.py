"""Puts the conversation together; each composition root calls this."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import redis

from core.db.tx import Database
from core.errors import BadInput
from core.msisdn import parse_msisdn
from core.settings import Settings
from sessions.conductor import Conductor, Observer
from sessions.connections import Connections
from sessions.engine import Engine
from sessions.flows.everything import build_flow
from sessions.hooks import CoreHooks
from sessions.notices.context import NoticeContext
from sessions.restraint import RedisRestraint, Restraint
from sessions.sealing import derived
from sessions.sms import SmsDesk
from sessions.store import REDIS_TIMEOUT_SECONDS, RedisStore, connect, forget_person
from sessions.talking import Talking


def build_conductor(
    database: Database, redis_url: str, settings: Settings, observer: Observer | None = None
) -> Conductor:
    """Return what answers USSD hops."""
    flow = build_flow(settings.languages.split(","))
    engine = Engine({flow.version: flow}, flow.version, database, CoreHooks())
    secret = settings.secret_key.get_secret_value()
    store = RedisStore(connect(redis_url), derived(secret, b"ussd-typed"))
    trail = Connections(connect(redis_url).connection_pool, 1, REDIS_TIMEOUT_SECONDS)
    return Conductor(
        engine,
        store,
        database.clock,
        database.ids,
        threads=settings.turn_threads,
        digest_key=derived(secret, b"ussd-digests"),
        observer=observer,
        trail=trail,
    )


def build_talking(settings: Settings) -> Talking:
    """Return what plays conversations that are no calls."""
    return Talking(build_flow(), CoreHooks(), settings.ussd_code)


def build_desk(
    settings: Settings,
    store: redis.Redis,
    count: Callable[[str], None] = lambda _verdict: None,
    restraint: Restraint | None = None,
) -> SmsDesk:
    """Return what answers SMS.

    Args:
        settings: of the whole application.
        store: where calls remember who has a number, and where messages are counted.
        count: told what became of each message.
        restraint: who is answered how often; counted in the store where nothing else is given.
    """
    return SmsDesk(
        settings.ussd_code,
        partial(forget_person, store),
        restraint or RedisRestraint(store),
        _our_numbers(settings),
        count,
    )


def _our_numbers(settings: Settings) -> list[str]:
    """What our messages come from, where that has the form of a number."""
    senders = (
        settings.africastalking_sender_id,
        settings.africastalking_shortcode,
        settings.twilio_sender,
        settings.kannel_sender,
    )
    ours = []
    for sender in senders:
        with suppress(BadInput):
            ours.append(parse_msisdn(sender))
    return ours


def notice_context(settings: Settings) -> NoticeContext:
    """Return what messages say about us."""
    return NoticeContext(
        settings.ussd_code,
        settings.daraja_shortcode,
        settings.help_phone,
        settings.public_url.rstrip("/"),
    )
