"""What messages cost: the route's word before our estimate, by month, and for each booking."""

from datetime import UTC, date, datetime

from core import outbox
from core.clock import ManualClock
from core.costs import costs
from core.db.tx import Database
from core.ids import SystemIds
from core.outbox import Words
from core.ports.messages import SmsSent

PHONE = "+254700000001"
NOVEMBER = date(2026, 11, 20)


class Office:
    """Sends messages at a price."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.count = 0

    def send(
        self,
        cost_cents: int | None = 80,
        *,
        topic: str = "confirmed",
        route: str = "africastalking",
        language: str = "en",
        segments: int = 1,
        estimate_cents: int | None = None,
        booking: object = None,
    ) -> None:
        self.count += 1
        answer = SmsSent(f"id-{self.count}", cost_cents)
        words = Words("Hello", language, segments, estimate_cents)
        with self.database.transaction() as tx:
            outbox.add(tx, topic, PHONE, {}, booking_id=booking)  # type: ignore[arg-type]
            [notice_id] = outbox.lease(tx, 1)
            outbox.begin(tx, notice_id)
            outbox.sent(tx, notice_id, route, answer, words)


def test_the_route_is_believed_before_the_estimate_and_nothing_is_made_up(
    database: Database,
) -> None:
    office = Office(database)
    office.send(160, segments=2, estimate_cents=150)
    office.send(None, estimate_cents=75, topic="declined", language="sw")
    office.send(None, route="twilio")

    found = database.run(lambda tx: costs(tx, NOVEMBER))

    total = found.total
    assert (total.name, total.messages, total.segments, total.cents) == ("all", 3, 4, 235)
    assert (total.estimated, total.unpriced) == (1, 1)
    assert [(s.name, s.cents, s.unpriced) for s in found.routes] == [
        ("africastalking", 235, 0), ("twilio", 0, 1),
    ]  # fmt: skip
    assert [(s.name, s.messages, s.cents) for s in found.topics] == [
        ("confirmed", 2, 160), ("declined", 1, 75),
    ]  # fmt: skip
    assert [(s.name, s.cents) for s in found.languages] == [("en", 160), ("sw", 75)]


def test_a_month_is_one_of_kenya(database: Database, clock: ManualClock) -> None:
    office = Office(database)
    for moment in (
        datetime(2026, 10, 31, 20, 59, tzinfo=UTC),
        datetime(2026, 10, 31, 21, 0, tzinfo=UTC),  # Midnight in Nairobi.
        datetime(2026, 12, 31, 21, 0, tzinfo=UTC),
    ):
        clock.set(moment)
        office.send()

    months = [date(2026, 10, 1), date(2026, 11, 30), date(2026, 12, 31), date(2027, 1, 2)]
    counts = [database.run(lambda tx, m=m: costs(tx, m)).total.messages for m in months]
    assert counts == [1, 1, 0, 1]


def test_each_booking_is_counted_with_all_its_messages(
    database: Database, clock: ManualClock
) -> None:
    office, ids = Office(database), SystemIds()
    bookings = [ids.uuid() for _ in range(20)]
    clock.set(datetime(2026, 10, 30, 9, tzinfo=UTC))
    office.send(500, booking=bookings[0])
    clock.set(datetime(2026, 11, 2, 9, tzinfo=UTC))
    for number, booking in enumerate(bookings):
        office.send(100 + number, booking=booking)
    office.send(9_999)

    each = database.run(lambda tx: costs(tx, NOVEMBER)).per_booking

    # 600 for the first, then 101 to 119.
    assert (each.bookings, each.median_cents, each.p95_cents, each.most_cents) == (
        20, 110, 119, 600,
    )  # fmt: skip


def test_a_month_without_messages_costs_nothing(database: Database) -> None:
    found = database.run(lambda tx: costs(tx, NOVEMBER))

    assert (found.total.messages, found.total.cents, found.topics) == (0, 0, [])
    assert found.per_booking.bookings == 0
