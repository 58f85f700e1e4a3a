"""Guards of what is counted once: conversations, days of them, findings, a trail's batches."""

from core.insight.rules import HopSeen
from core.insight.usecases import count_days, note_hops
from tests.core.booking.world import World
from tests.guards.guard import Guard, Kind, as_it_is, both_do, constraint, never, unique, words


def _called(world: World) -> None:
    """Somebody has dialled."""
    hop = HopSeen("africastalking", "s1", world.clock.now(), took_ms=7, turn=True)
    world.run(lambda tx: note_hops(tx, "web-1", 1, [hop]))


def _counted(world: World) -> None:
    _called(world)
    world.run(count_days)


def _two_count(world: World) -> None:
    _called(world)

    results = both_do(world, count_days, r"DELETE FROM funnel_days")

    assert results == (1, 1), "the second begins where the first has ended"


ALONE = (
    never(
        "a conversation is two",
        unique("ussd_sessions", "pk_ussd_sessions"),
        as_it_is,
        "INSERT INTO ussd_sessions (provider, session_id, day, begun_at, last_at)"
        " SELECT 'africastalking', 's1', now(), now(), now() FROM generate_series(1, 2)",
        "(SELECT FROM ussd_sessions GROUP BY session_id HAVING count(*) > 1) AS twice",
    ),
    never(
        "a day's callers are counted twice",
        unique("funnel_days", "pk_funnel_days"),
        _counted,
        "INSERT INTO funnel_days SELECT * FROM funnel_days",
        "(SELECT FROM funnel_days GROUP BY day, version, network, language, role"
        " HAVING count(*) > 1) AS twice",
    ),
    never(
        "a trail has been read up to two places, and is counted twice from one of them",
        unique("trail_sources", "pk_trail_sources"),
        as_it_is,
        "INSERT INTO trail_sources SELECT 'web-1', n, now() FROM generate_series(1, 2) AS n",
        "(SELECT FROM trail_sources GROUP BY source HAVING count(*) > 1) AS twice",
    ),
    never(
        "a trial has two clocks",
        constraint("local_clock", "ck_local_clock_one_row"),
        as_it_is,
        "INSERT INTO local_clock (id, ahead_seconds) VALUES (1, 0), (2, 3600)",
        "local_clock WHERE id <> 1",
    ),
    never(
        "what the last check found is found in two ways",
        unique("checks", "pk_checks"),
        as_it_is,
        "INSERT INTO checks SELECT 'I7', findings, now() FROM generate_series(0, 1) AS findings",
        "(SELECT FROM checks GROUP BY invariant HAVING count(*) > 1) AS twice",
    ),
)
MEETING = (
    Guard(
        "two workers count the same days: one fails",
        words(Kind.LOCK, "days, when counted anew", "pg_advisory_xact_lock", "hashtext", "abs"),
        _two_count,
    ),
)
