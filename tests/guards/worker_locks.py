"""Locks of those who work side by side: two workers, or two persons on one case."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from channels.kannel.messages import read_sms
from core import inbox, outbox
from core.cases.model import CaseKind
from core.cases.usecases import close, open_case
from core.db.tx import Tx
from core.errors import Refused
from core.inbox import Inbound
from core.outbox import Notice
from core.payments import attempts
from core.payments.collections import start_collection
from core.payouts import usecases as payouts
from core.ports.messages import Delivery, SmsSent
from core.ports.money import Reason
from core.ports.providers import Callback
from tests.core.booking.world import PROVIDER, World
from tests.core.payouts.steps import the_payout
from tests.guards.guard import Guard, Kind, both_do, count, lock, meet_in, words
from tests.support.factories import CUSTOMER
from tests.support.fakes import FakeDesk
from tests.workers.callbacks import sms_part
from workers.long_messages import join_parts


def _one_sends(world: World) -> None:
    booking = world.hold()
    attempt = world.run(lambda tx: start_collection(tx, booking.id, CUSTOMER))
    world.clock.advance(seconds=10)

    results = both_do(world, lambda tx: attempts.begin(tx, attempt.id), r"FROM attempts")

    assert results[1] is None, "another worker has it"


def _one_continues(world: World) -> None:
    world.released()
    payout = the_payout(world)
    [request] = world.send_due()
    world.failed(request.attempt_id, Reason.BUSY)
    world.clock.advance(hours=12)

    at = r"FROM payouts .*payouts\.due_at"
    results = both_do(world, lambda tx: payouts.continue_payout(tx, payout.id), at)

    assert results == (True, False), "another worker has it"


def _one_applies(world: World) -> None:
    world.run(lambda tx: inbox.store(tx, Callback(PROVIDER, "stk", "ws_CO_1")))
    row_id = world.run(lambda tx: tx.db.scalars(select(Inbound.id)).one())

    results = both_do(world, lambda tx: inbox.apply(tx, row_id, lambda *_: None), r"FROM inbox")

    assert results == (True, False), "another worker has it"


def _joined_once(world: World) -> None:
    """While a worker joins a message, a part that had waited on a disk is stored: an older one.

    It is the first of them now, so that another worker looks at all of them through it.
    """
    desk, came = FakeDesk(), world.clock.now()
    world.clock.advance(seconds=5)

    def keep(tx: Tx, number: int, name: str, received_at: datetime) -> None:
        inbox.store(tx, sms_part(f"part {number} ", number, 2, id=name), received_at)

    def look(tx: Tx) -> None:
        [first] = inbox.due(tx, 1)
        inbox.apply(tx, first, lambda _, row: join_parts(desk, tx, row, read_sms))

    def look_with_an_older_part() -> None:
        world.run(lambda tx: keep(tx, 1, "older", came))
        world.run(look)

    for number in (1, 2):
        now = world.clock.now()
        world.run(lambda tx, n=number, at=now: keep(tx, n, f"in-{n}", at))

    # Right after the parts were read.
    meet_in(
        world, lambda: world.run(look), r"FROM inbox WHERE inbox\.person", look_with_an_older_part
    )

    wholes = "SELECT count(*) FROM inbox WHERE part_of IS NULL"
    assert count(world, wholes) == 1


def _owed(world: World) -> UUID:
    world.run(lambda tx: outbox.add(tx, "confirmed", CUSTOMER, {}))
    return world.run(lambda tx: tx.db.scalars(select(Notice.id)).one())


def _one_leases(world: World) -> None:
    _owed(world)

    results = both_do(world, lambda tx: outbox.lease(tx, 10), r"UPDATE notices .*FROM due")

    assert [len(each) for each in results] == [1, 0], "one worker has it"


def _one_begins(world: World) -> None:
    notice_id = _owed(world)
    world.run(lambda tx: outbox.lease(tx, 10))

    results = both_do(world, lambda tx: outbox.begin(tx, notice_id), r"^UPDATE notices")

    assert results[1] is None, "it is being sent"


def _delivered_stays_so(world: World) -> None:
    notice_id = _owed(world)
    answer = SmsSent("ATXid_1", 80)
    world.run(lambda tx: outbox.sent(tx, notice_id, "africastalking", answer, HELLO))

    def report(delivery: Delivery) -> bool:
        return world.run(
            lambda tx: outbox.report_delivery(tx, "africastalking", "ATXid_1", delivery)
        )

    meet_in(
        world,
        lambda: report(Delivery.SUBMITTED),
        r"^SELECT notices",
        lambda: report(Delivery.DELIVERED),
    )

    seen = world.run(lambda tx: tx.db.get_one(Notice, notice_id)).delivery
    assert seen is Delivery.DELIVERED


def _one_opens(world: World) -> None:
    results = both_do(
        world, lambda tx: open_case(tx, CaseKind.INVARIANT, "I7"), r"^SELECT cases\.id"
    )

    assert results[0] is None, "somebody was faster, and nothing fails"


def _one_closes(world: World) -> None:
    number = world.run(lambda tx: open_case(tx, CaseKind.INVARIANT, "I7"))
    assert number is not None

    results = both_do(world, lambda tx: close(tx, number, "It was given back."), r"FROM cases")

    assert isinstance(results[1], Refused), "somebody else has decided"


HELLO = outbox.Words("Hello", "en", 1)

GUARDS = (
    Guard(
        "two workers send one prompt",
        lock("an attempt, when sending", "attempts"),
        _one_sends,
    ),
    Guard(
        "two workers apply one callback",
        lock("a callback, when applied", "inbox"),
        _one_applies,
    ),
    Guard(
        "two workers make two messages of one that came in parts",
        lock("parts of a long message, when joined", "inbox", r"WHERE inbox\.person"),
        _joined_once,
    ),
    Guard(
        "two workers take the same messages",
        words(Kind.LOCK, "a message, when leased", r" FOR UPDATE SKIP LOCKED", "FROM due"),
        _one_leases,
    ),
    Guard(
        "a message goes out twice",
        words(Kind.CHECK, "a message, when begun", r" AND notices.state = 'leased'", "^UPDATE"),
        _one_begins,
    ),
    Guard(
        "a delivered message becomes undelivered",
        lock("a message, when reported", "notices"),
        _delivered_stays_so,
    ),
    Guard(
        "two workers plan the next try of a payout: one fails",
        # Either of them is enough to keep the other worker away.
        lock("a payout and its vendor, when continued", "payouts").also(lock("", "vendors")),
        _one_continues,
    ),
    Guard(
        "two workers find the same: one fails",
        words(Kind.LOCK, "a case, when opened", " ON CONFLICT DO NOTHING", "INSERT INTO cases"),
        _one_opens,
    ),
    Guard(
        "two persons decide one case, each thinking it theirs",
        lock("a case, when closed", "cases"),
        _one_closes,
    ),
)
