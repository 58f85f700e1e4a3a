"""Guards of what comes in, what goes out, and what a person decides: each once."""

from channels.kannel.messages import read_sms
from core import inbox, outbox, receipts
from core.cases.model import CaseKind
from core.cases.usecases import open_case
from core.db.tx import Tx
from core.inbox import Inbound
from core.people.penalties import add_penalty
from core.ports.providers import Callback
from core.support.lifecycle import TicketState
from core.support.model import Ticket
from tests.core.booking.world import World
from tests.guards.guard import Guard, Kind, check, count, outcome, unique, unique_index, words
from tests.support.factories import CUSTOMER
from tests.support.fakes import FakeDesk
from tests.workers.callbacks import sms_part
from workers import long_messages
from workers.long_messages import join_parts


def _callback_once(world: World) -> None:
    callback = Callback("daraja", "stk", "ws_CO_1", {"ResultCode": 0})
    for _ in range(2):
        world.run(lambda tx: inbox.store(tx, callback))

    assert count(world, "SELECT count(*) FROM inbox") == 1


def _told_once(world: World) -> None:
    for _ in range(2):
        outcome(lambda: world.run(lambda tx: outbox.add(tx, "confirmed", CUSTOMER, {}, key="it")))

    assert count(world, "SELECT count(*) FROM notices") == 1


def _words_in_order(world: World) -> None:
    for number in (1, 2):
        said = Callback("africastalking", "sms", f"in-{number}", once=True, person=CUSTOMER)
        world.run(lambda tx, each=said: inbox.store(tx, each))
        world.clock.advance(seconds=1)
    _, later = world.run(lambda tx: inbox.due(tx, 2))

    assert not world.run(lambda tx: inbox.apply(tx, later, lambda *_: None))


def _parts_known(world: World) -> None:
    """The network brings a long message once more, under other names."""
    desk = FakeDesk()

    def handle(tx: Tx, row: Inbound) -> str | None:
        return join_parts(desk, tx, row, read_sms) if row.part_of else None

    def look(tx: Tx) -> None:
        for each in inbox.due(tx, 10):
            inbox.apply(tx, each, handle)

    for turn in ("first", "again"):
        for number in (1, 2):
            part = sms_part(f"part {number} ", number, 2, id=f"{turn} {number}")
            world.run(lambda tx, each=part: inbox.store(tx, each))
        world.run(look)
        world.clock.advance(seconds=1)

    assert count(world, "SELECT count(*) FROM inbox WHERE part_of IS NULL") == 1


def _turn_once(world: World) -> None:
    claims = [world.run(lambda tx: receipts.begin(tx, "at", "s1", "d1")) for _ in range(2)]

    assert claims[0] is None, "the first performs it"
    assert claims[1] is not None, "the second is shown what the first has done"


def _case_once(world: World) -> None:
    for _ in range(2):
        world.run(lambda tx: open_case(tx, CaseKind.INVARIANT, "I7", again=True))

    assert count(world, "SELECT count(*) FROM cases") == 1


def _penalty_once(world: World) -> None:
    booking = world.confirmed()
    for _ in range(2):
        outcome(lambda: world.run(lambda tx: add_penalty(tx, booking.vendor_id, booking.id)))

    assert count(world, "SELECT count(*) FROM vendor_penalties") == 1


def _one_ticket(world: World) -> None:
    def ask(tx: Tx) -> None:
        tx.db.add(
            Ticket(
                id=tx.ids.uuid(),
                msisdn=CUSTOMER,
                state=TicketState.OPEN,
                opened_at=tx.now,
                waiting_since=tx.now,
                said_at=tx.now,
            )
        )

    for _ in range(2):
        outcome(lambda: world.run(ask))

    assert count(world, "SELECT count(*) FROM tickets") == 1


GUARDS = (
    Guard(
        "a callback that comes twice is applied twice",
        unique("inbox", "uq_inbox_provider_kind_reference_digest"),
        _callback_once,
    ),
    Guard(
        "a person's later word is applied before an earlier one",
        words(
            Kind.CHECK,
            "one person's words wait for each other",
            r"AND NOT \(EXISTS .*(?= FOR UPDATE)",
            "FROM inbox",
        ),
        _words_in_order,
    ),
    Guard(
        "a long message that the network brings twice is applied twice",
        check(
            "parts that came before are known",
            long_messages._Joining,
            "_why_known",
            lambda *_: None,
        ),
        _parts_known,
    ),
    Guard(
        "somebody is told the same twice",
        unique("notices", "uq_notices_key").also(
            words(Kind.UNIQUE, "the notice's key", r" ON CONFLICT \(key\) DO NOTHING", "notices")
        ),
        _told_once,
    ),
    Guard(
        "a turn that comes twice is performed twice",
        unique("turn_receipts", "pk_turn_receipts"),
        _turn_once,
    ),
    Guard(
        "a person is given the same case twice", unique_index("uq_cases_open_subject"), _case_once
    ),
    Guard(
        "a vendor pays for one cancellation twice",
        unique("vendor_penalties", "uq_vendor_penalties_booking_id"),
        _penalty_once,
    ),
    Guard(
        "a question is answered in one place and goes on in another",
        unique_index("uq_tickets_live"),
        _one_ticket,
    ),
)
