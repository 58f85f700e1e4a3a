"""Locks of words: conversations, letters that went astray, tickets, questions to vendors."""

from uuid import UUID

from sqlalchemy import select

from core import deadletters, inbox, outbox, talks
from core.checker import record
from core.db.tx import Tx
from core.errors import IllegalMove, NotFound
from core.inbox import Arrival, Inbound
from core.invariants.check import Finding
from core.limits import INBOX_TRIES_MAX
from core.outbox import Notice, Sending
from core.ports.providers import Callback
from core.relay.usecases import ask_vendor, reply
from core.support import usecases as support
from core.talks import Channel
from tests.core.booking.world import PROVIDER, World
from tests.guards.guard import Guard, both_do, lock, meet_in
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER, VENDOR


def _one_answer_after_another(world: World) -> None:
    """Somebody answers by message and on a page at once: each answer moves them on by one."""

    def answer(tx: Tx) -> None:
        talk = talks.claim(tx, CUSTOMER, Channel.SMS)
        step = (talk.state or {"step": 0})["step"]
        talks.keep(tx, talk, {"step": step + 1}, Channel.SMS)

    world.run(answer)

    both_do(world, answer, r"FROM talks")

    talk = world.run(lambda tx: talks.claim(tx, CUSTOMER, Channel.SMS))
    assert talk.state == {"step": 3}, "the second answers what the first was shown"


def _one_browser(world: World) -> None:
    """A link to a conversation is opened on two phones at once: it is one browser's."""

    def send_link(tx: Tx) -> None:
        talks.claim(tx, CUSTOMER, Channel.WEB).token = "link"

    def open_link(browser: str) -> bool:
        def take(tx: Tx) -> bool:
            talk = talks.by_token(tx, "link")
            assert talk is not None
            talk.opened_by = talk.opened_by or browser
            return talk.opened_by == browser

        return world.run(take)

    world.run(send_link)

    results = meet_in(world, lambda: open_link("one"), r"FROM talks", lambda: open_link("two"))

    assert results == (True, False), "the other may be anybody's"


def _offered_once(world: World) -> None:
    now = world.clock.now()
    world.run(lambda tx: talks.offer(tx, CUSTOMER, "africastalking", {"step": 1}, now))

    results = both_do(world, lambda tx: talks.take_offer(tx, CUSTOMER), r"FROM talks")

    assert results[1] is None, "another worker has it"


def _goes_out(tx: Tx) -> UUID:
    [notice_id] = outbox.lease(tx, 1)
    assert outbox.begin(tx, notice_id) is not None
    return notice_id


def _sent_again_once(world: World) -> None:
    """Two persons take up one dead message; the second's has gone out when the first is done."""

    def die(tx: Tx) -> UUID:
        outbox.add(tx, "confirmed", CUSTOMER, {})
        notice_id = _goes_out(tx)
        outbox.failed(tx, notice_id, "bad_number", retryable=False, unknown=False)
        return notice_id

    letter = world.run(die)

    def retry_and_send() -> None:
        world.run(lambda tx: deadletters.retry(tx, letter))
        world.run(_goes_out)

    results = meet_in(
        world,
        lambda: world.run(lambda tx: deadletters.retry(tx, letter)),
        r"FROM notices",
        retry_and_send,
    )

    assert isinstance(results[1], NotFound), "it is taken up already"
    assert world.run(lambda tx: tx.db.get_one(Notice, letter)).state is Sending.WAITING


def _applied_is_not_dead(world: World) -> None:
    """A worker that failed notes it while another one applies the same callback."""

    def failed_often(tx: Tx) -> UUID:
        inbox.store(tx, Callback(PROVIDER, "stk", "ws_CO_1"))
        row = tx.db.scalars(select(Inbound)).one()
        row.tries = INBOX_TRIES_MAX - 1
        return row.id

    row_id = world.run(failed_often)

    results = meet_in(
        world,
        lambda: world.run(lambda tx: inbox.postpone(tx, row_id, "fault")),
        r"FROM inbox",
        lambda: world.run(lambda tx: inbox.apply(tx, row_id, lambda *_: None)),
    )

    assert results == (Arrival.DEAD, False), "a person takes it up, and it is applied once"


def _not_applied_when_given_up(world: World) -> None:
    """One person has a dead callback applied again while another gives it up."""

    def dead(tx: Tx) -> UUID:
        inbox.store(tx, Callback(PROVIDER, "stk", "ws_CO_1"))
        row = tx.db.scalars(select(Inbound)).one()
        row.state, row.note = Arrival.DEAD, "fault"
        return row.id

    letter = world.run(dead)

    results = meet_in(
        world,
        lambda: world.run(lambda tx: deadletters.drop(tx, letter, "It was a test.")),
        r"FROM inbox",
        lambda: world.run(lambda tx: deadletters.retry(tx, letter)),
    )

    assert isinstance(results[1], NotFound), "it is given up"


def _told_once(world: World) -> None:
    world.run(lambda tx: record(tx, []))
    broken = [Finding("I7", "the rule", "a subject", "1", "2")]

    results = both_do(world, lambda tx: record(tx, broken), r"FROM checks")

    assert [len(each) for each in results] == [1, 0], "one alert"


def _closed_as_it_is_answered(world: World) -> None:
    ticket = world.run(lambda tx: support.write(tx, CUSTOMER, "Where is it?"))
    number = world.run(lambda tx: tx.db.merge(ticket).number)

    results = meet_in(
        world,
        lambda: world.run(lambda tx: support.close(tx, number)),
        r"FROM tickets",
        lambda: world.run(lambda tx: support.answer(tx, number, "In Karen.")),
    )

    assert isinstance(results[1], IllegalMove), "it is closed, and staff are told"


def _a_number_each(world: World) -> None:
    """Two people ask one vendor something: each question has a number of its own."""
    asks = iter((CUSTOMER, OTHER_CUSTOMER))

    def ask() -> int:
        who = next(asks)
        return world.run(lambda tx: ask_vendor(tx, who, world.listing.number, "Parking?").number)

    results = meet_in(world, ask, r"FROM relays .*relays\.open_until > ", ask)

    assert results == (1, 2), "else the vendor's answer goes to the wrong person"


def _said_once(world: World) -> None:
    """A vendor's phone sends the same words twice at once."""
    relay = world.run(lambda tx: ask_vendor(tx, CUSTOMER, world.listing.number, "Parking?"))

    results = both_do(world, lambda tx: reply(tx, relay.id, VENDOR, "For 50 cars."), "FROM relays")

    assert results == (True, False), "it is passed on once"


GUARDS = (
    Guard(
        "two answers of one person are taken for one",
        lock("a conversation, when answered", "talks", r"talks\.msisdn = "),
        _one_answer_after_another,
    ),
    Guard(
        "somebody is told twice that they can go on",
        lock("a conversation, when offered", "talks", r"talks\.offer_at"),
        _offered_once,
    ),
    Guard(
        "a message that has gone out is sent again",
        lock("a dead message, when taken up", "notices"),
        _sent_again_once,
    ),
    Guard(
        "a callback that was applied is called dead, and a person has it applied again",
        lock("a callback, when put off", "inbox"),
        _applied_is_not_dead,
    ),
    Guard(
        "who has a callback applied again is not told that another gives it up",
        lock("a dead callback, when taken up", "inbox"),
        _not_applied_when_given_up,
    ),
    Guard(
        "two workers raise one alarm",
        lock("what the last check found", "checks"),
        _told_once,
    ),
    Guard(
        "a ticket is closed and its answer goes out",
        lock("a ticket, when answered or closed", "tickets"),
        _closed_as_it_is_answered,
    ),
    Guard(
        "two people's questions have one number, and the answer goes to the wrong one",
        lock("the vendor, when asked something", "users"),
        _a_number_each,
    ),
    Guard(
        "a conversation is shown to two browsers",
        lock("a conversation, when its link is opened", "talks", r"talks\.token"),
        _one_browser,
    ),
    Guard(
        "words that came twice are passed on twice",
        lock("a question, when answered", "relays"),
        _said_once,
    ),
)
