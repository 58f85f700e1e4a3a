"""Calls that were cut off are offered once, and only those that are worth a message."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import redis
from sqlalchemy import select

from core import talks
from core.catalog.model import Listing
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import DROP_QUIET_SECONDS, DROPS_A_DAY_MAX
from core.outbox import Notice
from core.people.model import Purpose
from core.people.usecases import opt_out
from core.ports import UssdTurn
from core.talks import OpenTalk
from sessions.bootstrap import build_conductor
from sessions.dropped import SILENT_SECONDS, DroppedCalls, Left
from sessions.notices.support import DROPPED_TOPIC
from sessions.store import UNFINISHED_SECONDS, unfinished_key
from tests.support.factories import CUSTOMER, make_instant_listing, make_vendor
from tests.workers.conftest import Crew
from workers.drops import run_drops

PROVIDER = "airtel"


@dataclass
class Network:
    """Calls that break off, and the workers that look at what is left of them."""

    crew: Crew
    parts: object
    store: redis.Redis
    redis_url: str
    clock: ManualClock
    calls: int = 0

    @property
    def database(self) -> Database:
        return self.crew.database

    def call(self, *typed: str) -> Left:
        """Dial, type, and let the line break."""
        self.calls += 1
        left = Left(PROVIDER, f"call-{self.calls}", CUSTOMER)

        async def hops() -> None:
            settings = make_settings(self.redis_url)
            conductor = build_conductor(self.database, self.redis_url, settings)
            await conductor.start()
            for count in range(1, len(typed) + 1):
                turn = UssdTurn(
                    left.provider, left.session_id, left.msisdn, CODE, "*".join(typed[:count])
                )
                await conductor.advance(turn)
            await conductor.aclose()

        asyncio.run(hops())
        return left

    def fall_silent(self, seconds: int = SILENT_SECONDS + 1) -> None:
        self.store.expire(unfinished_key(CUSTOMER), UNFINISHED_SECONDS - seconds)

    def later(self) -> int:
        """Look, and look again when an offer is due; how many messages were written."""
        first = run_drops(self.parts)
        self.clock.advance(seconds=DROP_QUIET_SECONDS)
        return first + run_drops(self.parts)

    def offers(self) -> list[Notice]:
        with self.database.transaction() as tx:
            return list(tx.db.scalars(select(Notice).where(Notice.topic == DROPPED_TOPIC)))
