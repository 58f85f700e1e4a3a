"""How conversations are counted: each once, each with one ending, money looked up afterwards."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from core import outbox
from core.clock import ManualClock, nairobi_date
from core.db.tx import Database
from core.insight.model import FunnelDay, UssdSession
from core.insight.queries import By, Funnel, funnels
from core.insight.rules import BUCKETS_MS, Ending, HopSeen, Stage, percentile_ms, told_ending
from core.insight.usecases import close_sessions, count_days, note_end, note_hops
from core.limits import SESSION_TOLD_SECONDS
from core.networks import SESSION_SECONDS_MAX
from core.outbox import Notice
from core.payments.collections import first_collection
from core.ports.calls import SessionEnd
from tests.support.factories import (
    CUSTOMER,
    make_held,
    make_instant_listing,
    make_paid,
    make_vendor,
)

GATEWAY = "africastalking"
SAFARICOM, AIRTEL = "63902", "63903"


@pytest.fixture
def source(clock: ManualClock) -> "Source":
    return Source(clock)


class Source:
    """A web process that notes hops."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.number = 0

    def hop(self, session: str = "s1", **more: object) -> HopSeen:
        known = {"network": SAFARICOM, "version": "1", "language": "en", "role": "customer"}
        said = {"took_ms": 7, "turn": True, "screen": "home", **known, **more}
        return HopSeen(GATEWAY, session, self.clock.now(), **said)  # type: ignore[arg-type]

    def note(self, database: Database, *hops: HopSeen) -> bool:
        self.number += 1
        return database.run(lambda tx: note_hops(tx, "web-1", self.number, hops))


def told(status: str, session: str = "s1", network: str = SAFARICOM) -> SessionEnd:
    return SessionEnd(GATEWAY, session, CUSTOMER, status, network=network, cost_cents=10)


def ended(database: Database, session: str = "s1") -> Ending | None:
    database.run(close_sessions)
    with database.transaction() as tx:
        return tx.db.get_one(UssdSession, (GATEWAY, session)).ended


def today(database: Database) -> Funnel:
    database.run(count_days)
    (found,) = database.run(lambda tx: funnels(tx, 1))
    return found


def test_a_batch_that_comes_again_counts_nothing_twice(database: Database, source: Source) -> None:
    hops = [source.hop(), source.hop(screen="place", stage=Stage.LOOKED)]

    assert source.note(database, *hops)
    assert not database.run(lambda tx: note_hops(tx, "web-1", 1, hops))
    assert database.run(lambda tx: note_hops(tx, "web-2", 1, [source.hop(turn=False)]))

    counts = today(database).counts
    assert (counts["sessions"], counts["hops"], counts["turns"]) == (1, 3, 2)
    assert counts["looked"] == 1
    assert today(database).counts == counts, "counting twice is counting once"


@pytest.mark.parametrize(
    ("status", "network", "silent", "lasted", "ending"),
    [
        ("Incomplete", SAFARICOM, 8, 60, Ending.CANCELLED),
        ("Incomplete", SAFARICOM, 29, 60, Ending.TIMED_OUT),
        ("Incomplete", AIRTEL, 29, 60, Ending.CANCELLED),
        ("Incomplete", AIRTEL, 60, 90, Ending.TIMED_OUT),
        ("Incomplete", AIRTEL, 5, 179, Ending.TIMED_OUT),
        ("cleaned", AIRTEL, 5, 20, Ending.CANCELLED),
        ("timeout", SAFARICOM, 1, 20, Ending.TIMED_OUT),
        ("Failed", SAFARICOM, 29, 60, Ending.ERROR),
        ("Success", SAFARICOM, 1, 60, Ending.FINISHED),
        ("a word to come", "", 1, 20, Ending.CANCELLED),
    ],
)
def test_a_gateways_word_and_the_timers_tell_how_a_call_ended(
    status: str, network: str, silent: int, lasted: int, ending: Ending
) -> None:
    times = timedelta(seconds=silent), timedelta(seconds=lasted)
    assert told_ending(status, network, *times) is ending


def test_an_end_that_is_told_before_its_hops_waits_for_them(
    database: Database, clock: ManualClock, source: Source
) -> None:
    hop = source.hop()
    clock.advance(seconds=40)
    database.run(lambda tx: note_end(tx, told("Incomplete")))
    assert ended(database) is None

    source.note(database, hop)
    clock.advance(seconds=SESSION_TOLD_SECONDS + 1)

    assert ended(database) is Ending.TIMED_OUT
    assert today(database).counts["session_cents"] == 10


def test_what_nobody_ends_is_abandoned_by_our_own_timer(
    database: Database, clock: ManualClock, source: Source
) -> None:
    source.note(database, source.hop())
    clock.advance(seconds=SESSION_SECONDS_MAX - 1)
    assert ended(database) is None
    assert today(database).counts["open"] == 1

    clock.advance(seconds=2)

    assert ended(database) is Ending.ABANDONED
    assert today(database).counts["abandoned"] == 1


def test_our_own_word_holds_whatever_the_gateway_says(
    database: Database, clock: ManualClock, source: Source
) -> None:
    source.note(database, source.hop(ended=Ending.STUCK))
    database.run(lambda tx: note_end(tx, told("Failed")))
    clock.advance(seconds=SESSION_TOLD_SECONDS + 1)

    assert ended(database) is Ending.STUCK


def test_money_that_has_not_come_is_told_apart_until_it_has(
    database: Database, source: Source
) -> None:
    with database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx))
        unpaid, paid = make_held(tx, listing), make_paid(tx, listing, in_days=30)
        first_collection(tx, unpaid, CUSTOMER)
        for booking in (unpaid, paid):
            outbox.add(tx, "counted", CUSTOMER, {}, booking_id=booking.id)
        tx.db.execute(update(Notice).filter_by(topic="counted").values(cost_cents=80))
    done = {"stage": Stage.BOOKED, "ended": Ending.FINISHED}
    source.note(database, source.hop("s1", code=unpaid.code, **done))
    source.note(database, source.hop("s2", code=paid.code, **done))

    counts = today(database).counts
    assert (counts["payment_pending"], counts["finished"]) == (1, 1)
    assert (counts["booked"], counts["paid"]) == (2, 1)
    said = today(database).to_json()["bookings"]
    assert (said["cost_cents"], said["cost_cents_a_booking"]) == (160, 80)
    assert said["cost_cents_a_paid_booking"] == 160

    with database.transaction() as tx:
        tx.db.merge(unpaid).received_cents = unpaid.total_cents

    counts = today(database).counts
    assert (counts["payment_pending"], counts["finished"], counts["paid"]) == (0, 2, 2)


def test_every_session_has_exactly_one_ending_and_each_rate_its_denominator(
    database: Database, source: Source
) -> None:
    for number, ending in enumerate([*Ending, None]):
        source.note(database, source.hop(f"s{number}", ended=ending, mistaken=number == 0))
    source.note(database, source.hop("vendor", role="vendor", network=AIRTEL, language="sw"))

    said = today(database).to_json()

    assert sum(said["sessions"]["ended"].values()) == said["sessions"]["count"] == 8
    assert said["customers"]["sessions"] == 7
    assert said["turns"]["mistakes_of_turns"] == "12.5%"
    assert said["bookings"]["paid_of_made"] is None
    assert said["hops"]["p95_ms_below"] == 10
    split = database.run(lambda tx: funnels(tx, 1, By.NETWORK))
    assert [(one.of, one.counts["sessions"]) for one in split] == [("Safaricom", 7), ("Airtel", 1)]


def test_days_stay_when_their_sessions_are_gone(
    database: Database, clock: ManualClock, source: Source
) -> None:
    source.note(database, source.hop())
    today(database)
    day = nairobi_date(clock.now())
    clock.advance(seconds=10 * 86_400)

    assert today(database).counts["sessions"] == 0
    with database.transaction() as tx:
        assert [row.day for row in tx.db.query(FunnelDay)] == [day]
        assert funnels(tx, 11)[0].counts["sessions"] == 1


def test_percentiles_are_bounds_that_so_many_stayed_below() -> None:
    buckets = [0] * (len(BUCKETS_MS) + 1)
    assert percentile_ms(buckets, 50) is None
    buckets[1], buckets[3] = 95, 5
    assert (percentile_ms(buckets, 95), percentile_ms(buckets, 96)) == (5, 25)
    buckets[-1] = 1_000
    assert percentile_ms(buckets, 50) is None, "beyond the last bound nothing is known"
