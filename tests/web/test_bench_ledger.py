"""The ledger's benchmark: what is compared does the same, and loses nothing."""

from collections.abc import Iterator

import psycopg
import pytest

from core.db.tx import Database
from web.bench.ledger import (
    Rig,
    _loop,
    _prepare,
    _roll_up_all,
    _stocked,
    _unbalanced,
    connected,
)
from web.bench.ledger_claims import oversold
from web.bench.ledger_payouts import post_payouts

SECONDS = 0.05
LISTINGS = 50
# The row-locked form is guarded like ours.
LOPSIDED = (
    "SELECT locked.ledger_post(gen_random_uuid(), 'x', '\\x00', 'paid', NULL, now(),"
    " ARRAY['float:a', 'escrow:b'], ARRAY['KES', 'KES'], ARRAY[100, -99])"
)


@pytest.fixture
def rig(database: Database) -> Iterator[Rig]:
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    database.run(lambda tx: _stocked(tx, LISTINGS))
    with connected(url, database, callers=1) as made:
        with made.connect() as connection:
            _prepare(connection)
        yield made


def one(connection: psycopg.Connection[tuple[int]], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None, "an aggregate has a row"
    return int(row[0])


def test_each_side_moves_the_same_money_and_loses_none(rig: Rig) -> None:
    done = {}
    for name in ("pairs", "payments", "releases", "hot"):
        for side in ("ours", "peer"):
            counted = _loop(rig.callers[0], f"{name}_{side}", SECONDS, 0)
            assert counted is not None, "it ran to its end"
            done[f"{name}_{side}"] = counted[0]
            assert counted[0] == sum(counted[1]) > 0
    paid, _ = post_payouts(rig.database, SECONDS, batch=10)

    with rig.connect() as connection:
        _roll_up_all(connection)
        assert _unbalanced(connection) == 0
        posted = "SELECT count(*) FROM {}ledger_transfers WHERE kind = 'released'"
        assert one(connection, posted.format("")) == done["releases_ours"]
        assert one(connection, posted.format("locked.")) == done["releases_peer"]
        assert one(connection, "SELECT sum(balance_cents) FROM locked.ledger_accounts") == 0
        assert (
            one(connection, "SELECT count(*) FROM locked.ledger_postings WHERE entry_no IS NULL")
            == 0
        )
        moved = done["pairs_peer"] + done["payments_peer"]
        assert one(connection, "SELECT count(*) FROM pairs.entries") == 2 * moved
        assert one(
            connection, "SELECT count(*) FROM ledger_transfers WHERE kind = 'paid_out'"
        ) == (paid)
        assert oversold(connection, "guarded") == 0
        assert one(connection, "SELECT count(*) FROM bench.guarded_bookings") > 0

    with rig.connect() as connection, pytest.raises(psycopg.Error, match="not balanced"):
        connection.execute(LOPSIDED.encode())
