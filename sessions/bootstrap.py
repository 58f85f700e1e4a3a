"""Puts the conversation together; each composition root calls this."""

from functools import partial

import redis

from core import outbox
from core.db.tx import Database, Tx
from core.people.usecases import find_person
from core.settings import Settings
from sessions.conductor import Conductor, Observer
from sessions.connections import Connections
from sessions.engine import Engine
from sessions.flow import Person
from sessions.flows.everything import build_flow
from sessions.notices.context import NoticeContext
from sessions.notices.render import HELP_TOPIC, LATE_TOPIC
from sessions.sms import SmsDesk
from sessions.store import REDIS_TIMEOUT_SECONDS, RedisStore, connect, forget_person


class CoreHooks:
    """What the engine asks of the core."""

    def who(self, tx: Tx, msisdn: str) -> Person:
        """Return who has a number."""
        found = find_person(tx, msisdn)
        return Person(
            msisdn,
            language=found.language.value,
            id=str(found.id) if found.id else None,
            name=found.business or "",
            vendor_id=str(found.vendor_id) if found.vendor_id else None,
        )

    def help_sms(self, tx: Tx, person: Person) -> None:
        """Owe somebody who is stuck the help message."""
        outbox.add(tx, HELP_TOPIC, person.msisdn, {})

    def late_sms(self, tx: Tx, person: Person, text: str) -> None:
        """Owe somebody the answer that came too late for the screen."""
        outbox.add(tx, LATE_TOPIC, person.msisdn, {"text": text})


def build_conductor(
    database: Database, redis_url: str, settings: Settings, observer: Observer | None = None
) -> Conductor:
    """Return what answers USSD hops."""
    flow = build_flow(settings.languages.split(","))
    engine = Engine({flow.version: flow}, flow.version, database, CoreHooks())
    store = RedisStore(connect(redis_url))
    trail = Connections(connect(redis_url).connection_pool, 1, REDIS_TIMEOUT_SECONDS)
    return Conductor(
        engine,
        store,
        database.clock,
        database.ids,
        threads=settings.turn_threads,
        observer=observer,
        trail=trail,
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
