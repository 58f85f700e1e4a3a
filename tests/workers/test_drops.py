"""Calls that were cut off are offered once, and only those that are worth a message."""

import asyncio
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
from core.people.usecases import Said, opt_out
from core.ports.calls import UssdTurn
from core.settings import Settings
from core.talks import Channel, OpenTalk
from sessions.bootstrap import build_conductor
from sessions.dropped import SILENT_SECONDS, DroppedCalls, Left
from sessions.notices.support import DROPPED_TOPIC
from sessions.store import UNFINISHED_SECONDS, unfinished_key
from tests.support.factories import CUSTOMER, make_instant_listing, make_vendor
from tests.workers.conftest import Crew
from workers.drops import note_drop, run_drops
from workers.parts import Parts

# A gateway that does not tell when a call is over.
PROVIDER = "airtel"
CODE = "*384*7781#"


@dataclass
class Network:
    """Calls that break off, and the worker that looks at what is left of them."""

    parts: Parts
    store: redis.Redis
    redis_url: str
    clock: ManualClock
    listing: Listing
    calls: int = 0

    @property
    def database(self) -> Database:
        return self.parts.database

    def call(self, *typed: str, bare: bool = False) -> Left:
        """Dial, type, and let the line break; ``bare``: nothing is dialled behind the code."""
        self.calls += 1
        left = Left(PROVIDER, f"call-{self.calls}", CUSTOMER)

        async def hops() -> None:
            settings = Settings(env="test", redis_url=self.redis_url)
            conductor = build_conductor(self.database, self.redis_url, settings)
            await conductor.start()
            for count in range(len(typed) + 1):
                transcript = "*".join(typed[:count])
                if transcript or bare:
                    turn = UssdTurn(left.provider, left.session_id, CUSTOMER, CODE, transcript)
                    await conductor.advance(turn)
            await conductor.aclose()

        asyncio.run(hops())
        return left

    def fall_silent(self) -> None:
        """Let as much time go by in Redis, which has a clock of its own."""
        self.store.expire(unfinished_key(CUSTOMER), UNFINISHED_SECONDS - SILENT_SECONDS)

    def offered(self) -> int:
        """Look, and look again when an offer is due; how many messages were written."""
        first = run_drops(self.parts)
        self.clock.advance(seconds=DROP_QUIET_SECONDS)
        return first + run_drops(self.parts)

    def messages(self) -> list[Notice]:
        with self.database.transaction() as tx:
            return list(tx.db.scalars(select(Notice).where(Notice.topic == DROPPED_TOPIC)))


@pytest.fixture
def network(crew: Crew, store: redis.Redis, redis_url: str, clock: ManualClock) -> Network:
    with crew.database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx))
    parts = replace(crew.parts, dropped=DroppedCalls(store))
    return Network(parts, store, redis_url, clock, listing)


def to_price(network: Network) -> tuple[str, ...]:
    return (str(network.listing.number), "1", "5/12", "80")


def test_a_call_that_fell_silent_is_offered_once(network: Network) -> None:
    network.call(*to_price(network))
    assert network.offered() == 0  # Somebody may be reading the screen.
    network.fall_silent()

    assert network.offered() == 1
    assert network.offered() == 0

    (notice,) = network.messages()
    with network.database.transaction() as tx:
        talk = tx.db.get_one(OpenTalk, CUSTOMER)
        assert (talk.offered, talk.provider) == (True, PROVIDER)
        assert not talks.is_open(talk, tx.now)
    assert notice.params == {"title": network.listing.title, "token": talk.token}


def test_the_gateways_word_is_quicker_than_silence(network: Network) -> None:
    left = network.call(*to_price(network))
    for _ in range(2):  # It comes twice.
        with network.database.transaction() as tx:
            note_drop(network.parts, tx, left)

    assert network.offered() == 1
    assert len(network.messages()) == 1


def test_calls_that_are_not_worth_a_message(network: Network) -> None:
    looked = str(network.listing.number)
    for typed in (("1", "1"), (looked,), (looked, "1"), (looked, "1", "5/12", "00"), ("K7P4Q",)):
        left = network.call(*typed)
        with network.database.transaction() as tx:
            note_drop(network.parts, tx, left)

    assert network.offered() == 0


def test_a_call_that_booked_has_its_own_messages(network: Network) -> None:
    left = network.call(*to_price(network), "1")
    with network.database.transaction() as tx:
        note_drop(network.parts, tx, left)

    assert network.offered() == 0


def test_whoever_dials_again_and_goes_on_is_not_written_to(network: Network) -> None:
    left = network.call(*to_price(network))
    with network.database.transaction() as tx:
        note_drop(network.parts, tx, left)
    network.call("1", bare=True)

    assert network.offered() == 0


def test_whoever_books_in_another_call_has_nothing_open_any_more(network: Network) -> None:
    left = network.call(*to_price(network))
    with network.database.transaction() as tx:
        note_drop(network.parts, tx, left)
    network.call("1", "1", bare=True)

    with network.database.transaction() as tx:
        talk = tx.db.get_one(OpenTalk, CUSTOMER)
        assert (talk.state, talk.offer_at, talk.channel) == (None, None, Channel.USSD)


def test_two_a_day_are_enough_and_an_opt_out_ends_it(network: Network) -> None:
    for _ in range(DROPS_A_DAY_MAX + 1):
        network.call(*to_price(network))
        network.fall_silent()
        network.offered()
    assert len(network.messages()) == DROPS_A_DAY_MAX

    network.clock.advance(days=2)
    with network.database.transaction() as tx:
        opt_out(tx, CUSTOMER, Purpose.OFFERS, Said("sms"))
    network.call(*to_price(network))
    network.fall_silent()
    assert network.offered() == 0


def test_an_open_conversation_is_not_pushed_aside(network: Network) -> None:
    with network.database.transaction() as tx:
        talk = talks.claim(tx, CUSTOMER, Channel.SMS)
        talks.keep(tx, talk, {"format": 1}, Channel.SMS)
    network.call(*to_price(network))
    network.fall_silent()

    assert network.offered() == 0
    with network.database.transaction() as tx:
        assert tx.db.get_one(OpenTalk, CUSTOMER).state == {"format": 1}


def test_a_sweep_goes_on_where_the_last_one_stopped_and_survives_rubbish(
    network: Network,
) -> None:
    network.store.set(unfinished_key("+254700000077"), "rubbish", ex=1)
    network.call(*to_price(network))
    network.fall_silent()

    assert network.offered() == 1


def test_without_redis_nothing_is_offered_and_nothing_breaks(crew: Crew) -> None:
    away = redis.Redis(port=1, socket_connect_timeout=0.1)
    parts = replace(crew.parts, dropped=DroppedCalls(away))

    assert run_drops(parts) == 0
    with crew.database.transaction() as tx:
        note_drop(parts, tx, Left(PROVIDER, "call", CUSTOMER))
    assert run_drops(crew.parts) == 0
