"""PINs and the numbers of papers are typed, understood, and found nowhere afterwards."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import redis
from sqlalchemy import text
from structlog.testing import capture_logs

from core.catalog.places import load_places
from core.db.models import metadata
from core.db.tx import Database
from core.ports.calls import UssdPart, UssdTurn
from core.settings import Environment, Settings
from sessions.bootstrap import build_conductor
from sessions.conductor import Conductor
from sessions.sealing import KEY_BYTES, Sealing, derived
from sessions.turns import blanked, digest_of, new_part
from tests.support.factories import VENDOR, make_vendor

CODE, NEWCOMER = "*384*7781#", "+254700000071"
PIN, WRONG, ID_CARD, KRA = "2580", "9753", "27364581", "A918273645Z"
# What only the vault's keys open says nothing; it is random, so it may hold any four digits.
SEALED = re.compile(r"gAAAA[\w=-]+|\\\\?x[0-9a-f]{40,}")

Send = Callable[[str], Awaitable[str]]
Line = Callable[[Conductor, str], Send]


def cumulative(conductor: Conductor, msisdn: str) -> Send:
    """A gateway that repeats everything typed so far."""
    typed: list[str] = []

    async def send(entry: str) -> str:
        typed.extend([entry] if entry else [])
        turn = UssdTurn("africastalking", "s1", msisdn, CODE, "*".join(typed))
        return (await conductor.advance(turn)).text

    return send


def last_key_only(conductor: Conductor, msisdn: str) -> Send:
    """A gateway that brings only the last key, so that ours must remember the others."""
    count = 0

    async def send(entry: str) -> str:
        nonlocal count
        count += 1
        part = UssdPart("hubtel", "s1", msisdn, CODE, entry, begins=count == 1, number=count)
        return (await conductor.advance(part)).text

    return send


def kept(database: Database, redis_url: str) -> Iterator[tuple[str, str]]:
    """Everything that PostgreSQL and Redis hold, by where."""
    with database.transaction() as tx:
        for table in metadata.tables:
            for row in tx.db.execute(text(f"SELECT t::text FROM {table} t")).scalars():
                yield table, SEALED.sub("", row)
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        for key in client.scan_iter("*"):
            if key == "ussd:epoch":
                continue
            yield key, SEALED.sub("", f"{key} {READ[client.type(key)](client, key)}")


READ: dict[str, Callable[[Any, str], object]] = {
    "hash": lambda client, key: client.hgetall(key),
    "string": lambda client, key: client.get(key),
    "stream": lambda client, key: client.xrange(key),
    "zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
}


def play(
    database: Database, redis_url: str, line: Line, msisdn: str, entries: tuple[str, ...]
) -> list[str]:
    """Dial and type; all the screens."""
    settings = Settings(env=Environment.TEST, redis_url=redis_url)

    async def main() -> list[str]:
        conductor = build_conductor(database, redis_url, settings)
        await conductor.start()
        send = line(conductor, msisdn)
        try:
            return [await send(entry) for entry in ("", *entries)]
        finally:
            await conductor.aclose()

    return asyncio.run(main())


@pytest.mark.parametrize("line", [cumulative, last_key_only])
def test_no_secret_is_found_in_database_redis_or_logs(
    database: Database, redis_url: str, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    database.run(load_places)
    database.run(make_vendor)
    joining = ("98", "8", "Wanjiku", "Wanjiku Hall", "kilimani", "1", ID_CARD, KRA)
    # The PIN twice, the payout number with a wrong one and the right one; then typed ahead of an
    # entry that is refused, and on top of a screen that asks for something else.
    paying = ("98", "7", "1", "1", "0700000092", PIN, PIN, WRONG, PIN)

    with capture_logs() as logs, caplog.at_level(logging.DEBUG):
        shown = play(database, redis_url, line, NEWCOMER, joining)
        assert "ID ..581 KRA ..45Z" in shown[-1]
        shown += play(database, redis_url, line, VENDOR, paying)
        assert shown[-1].startswith("Noted.")

    secrets = (PIN, WRONG, ID_CARD, KRA)
    for secret in secrets:
        for where, held in kept(database, redis_url):
            assert secret not in held, f"{secret} is in {where}: {held}"
        assert not any(secret in screen for screen in shown)
        assert secret not in f"{logs} {caplog.text}"


def test_what_was_typed_ahead_of_a_mistake_is_not_kept_either(
    database: Database, redis_url: str
) -> None:
    database.run(make_vendor)

    shown = play(database, redis_url, cumulative, VENDOR, ("98", f"77*{PIN}*{WRONG}", "7"))

    assert shown[-2].startswith("Choose one of the numbers shown.")
    assert shown[-1].startswith("Your account:")
    for where, held in kept(database, redis_url):
        assert PIN not in held, where
        assert WRONG not in held, where


def test_a_repeated_secret_hop_is_the_same_turn(database: Database, redis_url: str) -> None:
    """Also after Redis has lost everything: its receipt is found without knowing the PIN."""
    database.run(make_vendor)
    settings = Settings(env=Environment.TEST, redis_url=redis_url)
    entries = ("98", "7", "3", PIN, PIN)

    async def main() -> list[str]:
        conductor = build_conductor(database, redis_url, settings)
        await conductor.start()
        transcript, shown = "", []
        try:
            for entry in ("", *entries):
                transcript = f"{transcript}*{entry}".strip("*")
                for _ in range(2):
                    turn = UssdTurn("africastalking", "s1", VENDOR, CODE, transcript)
                    shown.append((await conductor.advance(turn)).text)
                if entry == PIN:
                    with redis.Redis.from_url(redis_url) as client:
                        client.flushdb()
                again = UssdTurn("africastalking", "s1", VENDOR, CODE, transcript)
                shown.append((await conductor.advance(again)).text)
            return shown
        finally:
            await conductor.aclose()

    shown = asyncio.run(main())

    for first in range(0, len(shown), 3):
        assert shown[first] == shown[first + 1] == shown[first + 2]
    assert shown[-1].startswith("Your PIN is set.")


def test_blanks_are_compared_by_their_length_alone() -> None:
    blanks = [[4, 8]]
    played = blanked("1*3*2580", blanks)

    assert played == "1*3*????"
    assert new_part(played, "1*3*2580*1", blanks) == "1"
    assert new_part(played, "1*3*2580", blanks) is None
    assert new_part(played, "1*4*2580*1", blanks) is None
    assert new_part(played, "1*3*25801*1", blanks) is None


def test_the_store_knows_the_same_entry_again_and_nothing_more() -> None:
    ours = Sealing(derived("a secret of ours", b"ussd-typed"))
    theirs = Sealing(derived("another secret", b"ussd-typed"))

    assert ours.seal(PIN) == ours.seal(PIN) != ours.seal(WRONG)
    assert ours.open(ours.seal(PIN)) == PIN
    assert theirs.open(ours.seal(PIN)) == ""
    assert ours.seal("") == ""
    assert len(derived("x", b"ussd-typed")) == KEY_BYTES
    assert digest_of(PIN, b"one key") != digest_of(PIN, b"another")
