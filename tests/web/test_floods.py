"""Messages that nobody should send, in numbers; and two people who want the same at once."""

import io
import re
from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import select

from core.booking.lifecycle import State
from core.inbox import Arrival, Inbound
from core.limits import INBOX_TRIES_MAX, OPEN_BOOKINGS_PER_CUSTOMER_MAX
from core.outbox import Notice
from sessions.restraint import MESSAGES_A_MINUTE_MAX, MINUTE_SECONDS
from tests.web.market import (
    ASKED,
    ASKED_VENDOR,
    INSTANT,
    OTHER,
    Market,
    at_once,
    phone,
)
from tests.web.rig import CALLER
from tests.web.watch import private
from workers.inbox import run_inbox

SETTLED = {State.AWAITING_PAYMENT, State.DECLINED}


@pytest.fixture(autouse=True)
def lines(market: Market) -> Iterator[io.StringIO]:
    with private(market) as written:
        yield written


def test_reports_of_messages_that_we_never_sent_end_somewhere(market: Market) -> None:
    market.sms("HELP")
    market.work()
    with market.database.transaction() as tx:
        [sent] = tx.db.scalars(select(Notice)).all()
    reports = [
        {"id": "ATXid_never", "status": "Success"},
        {"id": "'; DROP TABLE outbox; --", "status": "Success"},
        {"id": sent.message_id or "", "status": "Exploded"},
        {"id": sent.message_id or "", "status": "success"},
        {"id": sent.message_id or "", "status": "Success"},
        {"id": sent.message_id or "", "status": "Sent"},
        {"id": sent.message_id or "", "status": "Failed", "failureReason": "mgeni-wangu"[:0]},
    ]
    for report in reports:
        assert market.post("delivery-reports", report).status_code == 200
    for broken in ({"id": "x" * 101, "status": "Success"}, {"id": "x", "status": "S" * 65}):
        assert market.post("delivery-reports", broken).status_code == 400

    for _ in range(INBOX_TRIES_MAX + 1):
        market.work()
        market.clock.advance(seconds=300)
    with market.database.transaction() as tx:
        waiting = tx.db.scalars(select(Inbound).where(Inbound.state == Arrival.WAITING)).all()
        [after] = tx.db.scalars(select(Notice)).all()
    assert not waiting
    assert after.delivery == "delivered"


def test_one_message_id_is_one_message_whatever_it_says(market: Market) -> None:
    ask = market.line()
    ask.dial(ASKED)
    ask.type("1", "25/12", "50", "1")
    market.work()
    assert market.sms("1", ASKED_VENDOR, "in-same") == 200
    market.work()
    ask = market.line(OTHER)
    ask.dial(ASKED)
    ask.type("1", "26/12", "50", "1")
    market.work()

    # The network brings the same message again, a field changed on the way.
    assert market.sms("1", ASKED_VENDOR, "in-same", date="2026-11-20 06:00:07") == 200
    market.work()

    first, second = market.bookings()
    assert (first.state, second.state) == (State.AWAITING_PAYMENT, State.REQUESTED)


def test_a_flood_of_messages_is_answered_once_each_and_then_told_once(market: Market) -> None:
    sent = [partial(market.sms, "STATUS", OTHER, f"flood-{n % 20}") for n in range(100)]

    assert set(at_once(sent)) == {200}
    market.work()

    *answers, told = market.read(OTHER)
    assert len(answers) == MESSAGES_A_MINUTE_MAX < 20
    assert told.startswith("You wrote very often.")
    assert not any(text.startswith("You wrote") for text in answers)


ODD_WORDS = [
    "",
    " ",
    "\U0001f600",
    "\U0001f44d\U0001f3fe 1",
    "\u0661",
    "mgeni-wangu " * 160,
    "%s %(x)s {0} {name}",
    "'; DELETE FROM bookings; --",
    "1 2 YES NO",
    "0" * 2_000,
    "PAY PAY PAY",
    "PAY ZZZZ9",
    "STATUS \u0000",
    "\u202eSEY",
    "\ufb03" * 500,
]


def test_odd_messages_get_one_plain_answer_each(market: Market) -> None:
    for number, words in enumerate(ODD_WORDS):
        assert market.sms(words, phone(62 + number)) == 200, words
        assert market.sms(words, ASKED_VENDOR) == 200, words
        market.work()
        market.clock.advance(seconds=MINUTE_SECONDS)
    assert market.sms("x" * 5_000, OTHER) == 400
    market.work()

    for number, words in enumerate(ODD_WORDS):
        assert len(market.read(phone(62 + number))) == 1, words
    assert len(market.read(ASKED_VENDOR)) == len(ODD_WORDS)
    with market.database.transaction() as tx:
        states = set(tx.db.scalars(select(Inbound.state)).all())
    assert states == {Arrival.APPLIED}
    assert market.bookings() == []


def test_machines_do_not_answer_each_other(market: Market) -> None:
    for sender in ("20384", "NAFASI", "Safaricom", "+20384", "MPESA", "144"):
        assert market.sms("HELP", sender) in {200, 400}, sender
    market.work()

    assert market.sender.sent == []


def test_the_last_hall_goes_to_one_of_two_and_the_other_is_offered_others(market: Market) -> None:
    lines = [market.line(), market.line(OTHER)]
    for line in lines:
        line.dial(INSTANT)
        assert "Pay KES" in line.type("1", "25/12", "50")
        line.typed.append("1")

    shown = at_once([line.again for line in lines])

    [booking] = market.bookings()
    [won] = [text for text in shown if text.startswith("END Pay KES 66,700")]
    [lost] = [text for text in shown if text.startswith("CON ")]
    assert booking.code in won
    assert re.search("^1\\. ", lost, re.MULTILINE)
    assert "Pay KES" not in lost
    assert [line.again() for line in lines] == shown


@pytest.mark.parametrize("word", ["1", "2"])
def test_a_vendor_answers_by_sms_and_by_phone_at_the_same_moment(
    market: Market, word: str
) -> None:
    ask = market.line(OTHER)
    ask.dial(ASKED)
    ask.type("1", "25/12", "50", "1")
    [booking] = market.bookings()
    vendor = market.line(ASKED_VENDOR)
    vendor.dial()
    assert booking.code in vendor.type("1", "1")
    vendor.typed.append("1")
    market.work()
    market.sender.sent.clear()
    market.sms(f"{booking.code} {word}", ASKED_VENDOR)

    def by_sms() -> str:
        run_inbox(market.parts)
        return ""

    shown, _ = at_once([vendor.again, by_sms])
    market.work()

    # One of the two was first; the other hears what is so.
    state = market.state_of(booking)
    assert state in ({State.AWAITING_PAYMENT} if word == "1" else SETTLED)
    [to_customer] = market.read(OTHER)
    assert ("66,700" in to_customer) == (state is State.AWAITING_PAYMENT)
    [to_vendor] = [text for text in market.read(ASKED_VENDOR) if booking.code in text]
    assert ("accepted" in to_vendor) == (state is State.AWAITING_PAYMENT)
    assert shown.startswith("CON ")
    assert vendor.again() == shown


def test_nobody_is_told_to_expect_a_prompt_that_another_phone_has(market: Market) -> None:
    booking = market.held()
    friend = market.line(OTHER)
    friend.dial(booking.code)

    assert "Another phone is paying it now." in friend.type("1")
    market.sms(f"PAY {booking.code}", phone(62))
    market.work()
    assert market.read(phone(62)) == ["Another phone is paying it now."]
    own = market.line()
    own.dial(booking.code)
    assert "Now enter your PIN when M-Pesa asks." in own.type("1")
    assert [push.msisdn for push in market.collections.pushed] == [CALLER]


def test_one_phone_in_fifteen_calls_cannot_hold_a_whole_town(market: Market) -> None:
    calls = [market.line() for _ in range(15)]
    for number, call in enumerate(calls):
        call.dial(ASKED)
        assert "Pay KES" in call.type("1", f"{number + 1}/12", "50")
        call.typed.append("1")

    shown = at_once([call.again for call in calls])

    assert len(market.bookings()) == OPEN_BOOKINGS_PER_CUSTOMER_MAX
    refused = [text for text in shown if text.startswith("CON You have 10 open bookings.")]
    assert len(refused) == 15 - OPEN_BOOKINGS_PER_CUSTOMER_MAX
