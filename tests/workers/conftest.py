"""Parts of a worker on scripted providers and on real PostgreSQL and Redis."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
import redis

from channels.health import SharedHealth
from core.db.tx import Database
from tests.support.factories import make_held, make_listing, make_prompt, make_vendor
from tests.support.fakes import (
    FakeCollections,
    FakeDesk,
    FakePayouts,
    FakeSender,
    plain_words,
)
from workers.parts import Parts
from workers.pause import Pauses

PAYBILL = "600123"


@dataclass
class Crew:
    """A worker, with its providers in reach of the story."""

    parts: Parts
    sender: FakeSender
    collections: FakeCollections
    payouts: FakePayouts
    desk: FakeDesk

    @property
    def database(self) -> Database:
        return self.parts.database


def make_crew(database: Database, store: redis.Redis) -> Crew:
    sender, collections = FakeSender(), FakeCollections()
    payouts, desk = FakePayouts(), FakeDesk()
    parts = Parts(
        database=database,
        senders=(sender,),
        collections={"daraja": collections},
        payouts={"daraja": payouts},
        health=SharedHealth(store, ("daraja",)),
        paybill=PAYBILL,
        desk=desk,
        render=plain_words,
        pauses=Pauses(store),
    )
    return Crew(parts, sender, collections, payouts, desk)


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url)
    yield client
    client.close()


@pytest.fixture
def crew(database: Database, store: redis.Redis) -> Crew:
    return make_crew(database, store)


@pytest.fixture
def prompt(database: Database) -> UUID:
    """A held booking whose customer has just asked for the prompt."""
    with database.transaction() as tx:
        booking = make_held(tx, make_listing(tx, make_vendor(tx)))
        return make_prompt(tx, booking).id
