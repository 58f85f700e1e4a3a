"""Puts the conversation together; each composition root calls this."""

from functools import partial

import redis

from core.db.tx import Database
from core.settings import Settings
from sessions.conductor import Conductor, Observer
from sessions.engine import Engine
from sessions.flows.everything import build_flow
from sessions.hooks import CoreHooks
from sessions.notices.context import NoticeContext
from sessions.sms import SmsDesk
from sessions.store import RedisStore, connect, forget_person


def build_conductor(
    database: Database, redis_url: str, settings: Settings, observer: Observer | None = None
) -> Conductor:
    """Return what answers USSD hops."""
    flow = build_flow()
    engine = Engine({flow.version: flow}, flow.version, database, CoreHooks())
    store = RedisStore(connect(redis_url))
    return Conductor(
        engine,
        store,
        database.clock,
        database.ids,
        threads=settings.turn_threads,
        observer=observer,
    )


def build_desk(settings: Settings, store: redis.Redis) -> SmsDesk:
    """Return what answers SMS; ``store`` is where calls remember who has a number."""
    return SmsDesk(settings.ussd_code, partial(forget_person, store))


def notice_context(settings: Settings) -> NoticeContext:
    """Return what messages say about us."""
    return NoticeContext(
        settings.ussd_code,
        settings.daraja_shortcode,
        settings.help_phone,
        settings.public_url.rstrip("/"),
    )
