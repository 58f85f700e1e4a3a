"""Moving a trial's time: everything happens at its own moment, none of it skipped."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from core import inbox
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.timers import due_bookings, fire
from core.clock import SystemClock
from core.db.tx import Database, Tx
from core.disputes.model import Problem
from core.disputes.usecases import open_dispute
from core.ids import SystemIds
from core.inbox import Inbound, Unfinished
from core.local_clock import read_ahead
from core.outbox import Notice, Sending
from core.payouts.runs import close_run, open_run
from core.ports.providers import Callback
from core.vault import Vault
from tests.support.factories import (
    CUSTOMER,
    make_held,
    make_instant_listing,
    make_paid,
    make_vendor,
)
from web.trial_clock import Advance, WorkersIdle

LIMIT = 100


class Crew:
    """Does at once what workers are asked for, and notes when."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.lapsed_at: list[datetime] = []
        self.runs: list[datetime] = []

    def send(self, work: str) -> None:
        with self.database.transaction() as tx:
            if work == "timers":
                for booking in due_bookings(tx, LIMIT):
                    fire(tx, booking)
                    self.lapsed_at.append(tx.now)
            elif work == "payouts" and (week := open_run(tx)):
                close_run(tx, week)
                self.runs.append(tx.now)
            elif work == "notices":
                for notice in tx.db.query(Notice).where(Notice.state == Sending.WAITING):
                    notice.state = Sending.SENT


@pytest.fixture
def local(database: Database, vault: Vault) -> Iterator[Database]:
    """The same database on the machine's clock, which a trial moves."""
    url = database.engine.url.render_as_string(hide_password=False)
    made = Database(url, SystemClock(), SystemIds(), vault)
    yield made
    made.close()


def held(database: Database) -> tuple[datetime, Booking]:
    with database.transaction() as tx:
        booking = make_held(tx, make_instant_listing(tx, make_vendor(tx)))
        assert booking.due_at is not None
        return booking.due_at, booking


def test_a_hold_runs_out_at_its_moment_on_the_way(local: Database) -> None:
    due, booking = held(local)
    crew = Crew(local)
    stops: list[datetime] = []

    arrived = Advance(local, crew.send, stops.append).by(timedelta(hours=25))

    assert timedelta() <= crew.lapsed_at[0] - due < timedelta(seconds=5)
    assert timedelta() <= arrived - (due + timedelta(hours=24)) < timedelta(hours=2)
    assert len(stops) >= 2
    with local.transaction() as tx:
        assert tx.db.get_one(Booking, booking.id).state is State.EXPIRED
        assert read_ahead(tx.db) >= timedelta(hours=25)


def test_each_monday_has_its_payout_run(local: Database) -> None:
    crew = Crew(local)

    Advance(local, crew.send).by(timedelta(days=21))

    days = [run.date() for run in crew.runs]
    assert len(days) == 3
    assert all(day.weekday() == 0 for day in days)
    assert all(b - a == timedelta(days=7) for a, b in pairwise(days))


def test_without_workers_time_does_not_run_past_what_is_due(local: Database) -> None:
    due, _booking = held(local)
    crew = Crew(local)
    crew.send("payouts")
    crew.send("notices")

    with pytest.raises(WorkersIdle) as refused:
        Advance(local, lambda _work: None, settle_seconds=0.3).by(timedelta(hours=25))

    assert refused.value.data["due"] == ("timers",)
    assert local.clock.now() - due < timedelta(minutes=1)


def test_a_dispute_is_waited_for(local: Database) -> None:
    crew = Crew(local)
    with local.transaction() as tx:
        booking = make_paid(tx, make_instant_listing(tx, make_vendor(tx)))
        now, tx.now = tx.now, booking.starts_at
        open_dispute(tx, booking.id, booking.customer_id, Problem.OTHER).due_at = now

    with pytest.raises(WorkersIdle) as refused:
        Advance(local, crew.send, settle_seconds=0.3).by(timedelta(hours=1))

    assert refused.value.data["due"] == ("disputes",)


def test_a_waiting_callback_is_waited_for(local: Database) -> None:
    crew = Crew(local)
    with local.transaction() as tx:
        tx.db.add(
            Inbound(
                id=tx.ids.uuid(), provider="daraja", kind="stk", reference="x", digest="x",
                payload={}, due_at=tx.now, received_at=tx.now,
            )
        )  # fmt: skip

    with pytest.raises(WorkersIdle) as refused:
        Advance(local, crew.send, settle_seconds=0.3).by(timedelta(hours=1))

    assert refused.value.data["due"] == ("inbox",)


def test_who_waits_for_the_rest_of_a_long_message_is_not_waited_for(local: Database) -> None:
    crew = Crew(local)

    def unfinished(tx: Tx, _row: Inbound) -> None:
        raise Unfinished(tx.now + timedelta(hours=2), tries=1)

    for name, part_of in (("in-1", "20384 7/2"), ("in-2", "")):
        said = Callback("kannel", "sms", name, once=True, person=CUSTOMER, part_of=part_of)
        local.run(lambda tx, each=said: inbox.store(tx, each))
    [first, _] = local.run(lambda tx: inbox.due(tx, 2))
    local.run(lambda tx: inbox.apply(tx, first, unfinished))

    Advance(local, crew.send, settle_seconds=0.3).by(timedelta(seconds=60))


@pytest.mark.parametrize(
    "step", [timedelta(), timedelta(hours=-1), timedelta(days=401)]
)  # fmt: skip
def test_time_runs_forward_and_not_for_ever(local: Database, step: timedelta) -> None:
    with pytest.raises(ValueError, match="days"):
        Advance(local, lambda _work: None).by(step)
