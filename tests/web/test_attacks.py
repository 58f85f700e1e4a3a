"""Hostile outsiders and bad networks, over HTTP against the real application and a worker.

After each story the books are right (the ``market`` fixture), and the log has lines but nobody's
number, PIN or words, and not our secret.
"""

import asyncio
import io
import json
import re
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.escrow import ledger
from core.inbox import Arrival, Inbound
from core.limits import INBOX_TRIES_MAX
from core.outbox import Notice
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Receipt
from core.people.model import User
from core.receipts import TurnReceipt
from tests.web.market import (
    ASKED,
    ASKED_VENDOR,
    FORM_TYPE,
    INSTANT,
    Market,
    at_once,
    hop_form,
    phone,
)
from tests.web.rig import CALLER, SECRET
from tests.web.watch import WHOLE_NUMBER, watching
from workers.inbox import run_inbox

OTHER = phone(61)
NOBODYS_ATTEMPT = "01a1f6f8-164d-76d9-92e4-1146f7489373"
TOTAL = 66_700
# The books when one booking has been paid for.
PAID = {"escrow:*": TOTAL * 100, "float:daraja": TOTAL * 100}
# Words that occur in what people write here and nowhere else.
PRIVATE = ("mgeni-wangu", "siri-yangu")


@pytest.fixture(autouse=True)
def lines(market: Market) -> Iterator[io.StringIO]:
    """What the application has logged; it must hold nothing private."""
    with watching() as written:
        yield written
        market.work()
    said = written.getvalue()
    assert WHOLE_NUMBER.findall(said) == []
    assert SECRET not in said
    for word in PRIVATE:
        assert word not in said
    with market.database.transaction() as tx:
        sealed = tx.db.scalars(select(Booking.check_in_pin_sealed)).all()
        pins = [tx.vault.open(pin) for pin in sealed]
    assert not [pin for pin in pins if re.search(rf"(?<![0-9a-f-]){pin}(?![0-9a-f-])", said)]


def stored(market: Market) -> dict[str, int]:
    """How much there is of what a stranger could make grow."""
    tables = (User, Booking, Attempt, Receipt, Notice, Inbound, TurnReceipt)
    with market.database.transaction() as tx:
        rows = {t.__name__: tx.db.scalar(select(func.count()).select_from(t)) or 0 for t in tables}
    return rows | {"redis": len(list(market.web.store.scan_iter("ussd:*")))}


def raw(market: Market, head: bytes, body: bytes = b"") -> bytes:
    """Send bytes as they are; the status line of the answer."""
    where = urlsplit(str(market.web.http.base_url))
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=5) as wire:
        length = f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        wire.sendall(head + b" HTTP/1.1\r\nhost: x\r\n" + length + body)
        return wire.recv(64).partition(b"\r\n")[0]


# The hop's form


GOOD = urlencode(hop_form("ATUid_x", "1"))
NO_HOPS = [
    "",
    "&&&&",
    "text",
    GOOD.replace("sessionId=ATUid_x&", ""),
    GOOD.replace("phoneNumber=%2B254700000001", "phoneNumber="),
    GOOD.replace("%2B254700000001", "%2B254"),
    GOOD.replace("%2B254700000001", "%2B0000000000000"),
    GOOD.replace("%2B254700000001", "0800-NAFASI"),
    GOOD.replace("%2B254700000001", "9" * 41),
    GOOD.replace("%2B254700000001", "%2B254700000001%00"),
    GOOD.replace("%2B254700000001", "%2B254700000001%0Aphone"),
    GOOD + "&text=2",
    GOOD + "&sessionId=ATUid_y",
    GOOD + "&phoneNumber=%2B254700000061",
    GOOD + "&%73essionId=ATUid_y",
    GOOD + "&x=1" * 40,
    GOOD.replace("text=1", "text=%FF%FE"),
    GOOD.replace("text=1", "text=%00"),
    GOOD.replace("text=1", "text=" + "1" * 2_001),
    GOOD.replace("sessionId=ATUid_x", "sessionId=" + "x" * 101),
    GOOD.replace("sessionId=ATUid_x", "sessionId=a%0Ab"),
    GOOD.replace("networkCode=63902", "networkCode=" + "6" * 17),
    json.dumps(hop_form("ATUid_x", "1")),
]


def test_what_is_no_hop_is_refused_and_leaves_nothing(market: Market) -> None:
    before = stored(market)
    for body in NO_HOPS:
        url = market.web.hook("africastalking/ussd")
        answer = market.web.http.post(url, content=body, headers=FORM_TYPE)
        assert answer.status_code == 400, body

    assert stored(market) == before


def test_what_looks_odd_but_is_a_hop_is_served(market: Market) -> None:
    odd = [
        {"networkCode": ""},
        {"phoneNumber": "+255712345678"},
        {"phoneNumber": "+14155550100"},
        {"phoneNumber": "0712000001"},
        {"sessionId": "ssn\u00e9 'x'; --"},
        {"serviceCode": "*384*7781*4508#"},
        {"text": "\U0001f600" * 2_000},
        {"text": "*" * 2_000},
        {"text": "1*" * 1_000},
        {"text": "\u202e\u2028\ud7ff"},
        {"more": "fields"},
    ]
    for number, over in enumerate(odd):
        answer = market.post("ussd", hop_form(f"odd-{number}", "", phone(62 + number)) | over)
        assert answer.status_code == 200, over
        assert answer.text.startswith("CON "), over

    form = hop_form("bare", "")
    del form["networkCode"]
    assert market.post("ussd", form).text.startswith("CON ")


def test_a_megabyte_is_refused_and_not_kept(market: Market) -> None:
    before = stored(market)
    big = b"text=" + b"x" * 1_000_000
    paths = ["africastalking/ussd", "africastalking/sms", "daraja/c2b/validation"]
    paths += ["daraja/c2b/confirmation", f"daraja/stk/{NOBODYS_ATTEMPT}"]
    for path in paths:
        for secret, status in ((SECRET, 413), ("x" * len(SECRET), 404)):
            url = market.web.hook(path, secret)
            assert market.web.http.post(url, content=big).status_code == status, path

    assert stored(market) == before
    assert market.line().dial().startswith("CON ")


def test_tricks_with_addresses_find_nothing(market: Market) -> None:
    before = stored(market)
    body = GOOD.encode()
    other = "z" * len(SECRET)
    absent = [
        f"/hooks/africastalking/{other}/ussd",
        f"/hooks/africastalking/{SECRET.swapcase()}/ussd",
        f"/hooks/africastalking/{SECRET}%00/ussd",
        f"/hooks/africastalking/{SECRET}//ussd",
        f"/hooks/africastalking//{SECRET}/ussd",
        f"//hooks/africastalking/{SECRET}/ussd",
        f"/hooks/africastalking/{SECRET}/ussd/",
        f"/hooks/africastalking/{SECRET}/x/../ussd",
        f"/hooks/africastalking/{other}/../{SECRET}/ussd",
        f"/hooks/africastalking/{SECRET};x/ussd",
        f"/HOOKS/africastalking/{SECRET}/ussd",
        "/hooks/africastalking/ussd",
        "/hooks/africastalking//ussd",
        "/hooks/africastalking/%F0%28%8C%28/ussd",
        "/hooks/africastalking/%/sms",
        f"/hooks/daraja/{other}/stk/{NOBODYS_ATTEMPT}",
        f"/hooks/daraja/{SECRET}/stk/{NOBODYS_ATTEMPT}%2F..",
        f"/hooks/daraja/{SECRET}/stk/..%2Fconfirmation",
        f"/hooks/{SECRET}/ussd",
    ]
    for path in absent:
        assert raw(market, f"POST {path}".encode(), body).split()[1:2] == [b"404"], path
    assert raw(market, f"GET /hooks/africastalking/{other}/ussd".encode()).split()[1] == b"404"
    assert raw(market, f"PUT /hooks/africastalking/{SECRET}/ussd".encode()).split()[1] == b"405"
    # Bytes that no address has: refused by the server or not found, and the next call is served.
    for head in (b"POST /hooks/africastalking/\xff\xfe/ussd", b"POST /\x00", b"\x16\x03\x01"):
        assert not raw(market, head, body).startswith(b"HTTP/1.1 2")

    assert stored(market) == before
    assert market.line().dial().startswith("CON ")


# Sessions


def test_two_phones_with_one_session_id_never_meet(market: Market) -> None:
    steps = ["1", "25/12", "50", "1"]
    mine = market.line()
    mine.dial(ASKED)
    goodbye = mine.type(*steps)
    [booking] = market.bookings()
    assert booking.code in goodbye

    # Whoever comes with the whole transcript of the other's yes begins anew.
    assert booking.code not in market.hop(mine.session, "*".join(mine.typed), OTHER).text
    # Whoever goes the same way under the same name makes a booking of their own.
    theirs = market.line(phone(62))
    theirs.session = mine.session
    theirs.dial(ASKED)
    said = theirs.type(*steps)

    one, two = market.bookings()
    assert booking.code not in said
    assert two.code in said
    assert one.customer_id != two.customer_id
    assert (mine.again(), theirs.again()) == (goodbye, said)


def test_a_stranger_with_a_lost_session_sees_nothing_of_it(market: Market) -> None:
    mine = market.line()
    mine.dial(INSTANT)
    goodbye = mine.type("1", "25/12", "50", "1")
    [booking] = market.bookings()
    # Redis loses everything; the receipts in the database stay.
    market.web.store.flushdb()

    theirs = market.hop(mine.session, "*".join(mine.typed), OTHER).text

    assert booking.code not in theirs
    assert mine.again() == goodbye
    assert len(market.bookings()) == 1


def test_five_hundred_hops_of_one_phone_at_once_are_all_answered(market: Market) -> None:
    line = market.line()
    line.dial(INSTANT)
    line.type("1", "25/12", "50")
    yes = hop_form(line.session, "*".join([*line.typed, "1"]))
    forms = [yes] * 250 + [hop_form(f"flood-{number}", "") for number in range(250)]

    async def all_at_once() -> list[httpx.Response]:
        base, url = market.web.http.base_url, market.web.hook("africastalking/ussd")
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=base, timeout=20, limits=limits, trust_env=False
        ) as http:
            return await asyncio.gather(*(http.post(url, data=form) for form in forms))

    answers = asyncio.run(all_at_once())

    assert {answer.status_code for answer in answers} == {200}
    goodbyes = {answer.text for answer in answers[:250]}
    [booking] = market.bookings()
    assert len(goodbyes) == 1
    assert booking.code in goodbyes.pop()
    assert all(answer.text.startswith("CON ") for answer in answers[250:])


HOSTILE_PLACES = [
    "%",
    "%%%%",
    "____",
    "\\",
    "_a_r_b_",
    "'; DROP TABLE bookings; --",
    "nai\u0000robi",
    "\U0001f600\U0001f600",
    "{name} %s %(x)s",
    "../../etc/passwd",
    "a" * 161,
    "\u0130stanbul",
    "\ufb03" * 40,
    "siri-yangu",
]


def test_hostile_places_are_places_that_we_do_not_know(market: Market) -> None:
    for number, typed in enumerate(HOSTILE_PLACES):
        session, caller = f"place-{number}", phone(62 + number)
        market.hop(session, "", caller)
        market.hop(session, "1", caller)
        answer = market.hop(session, f"1*{typed}", caller)
        if "\x00" in typed:
            assert answer.status_code == 400
            continue
        assert answer.status_code == 200, typed
        assert "Where?" in answer.text, typed
        assert "1. Nairobi" in answer.text


# Money


def stk(attempt: Attempt, receipt: str = "UAF5T4R3E2", **over: Any) -> dict[str, Any]:
    """A prompt that was paid, as Daraja tells of it; items of ``over`` replace or add."""
    items = {"Amount": TOTAL, "MpesaReceiptNumber": receipt, "PhoneNumber": 254700000001} | over
    told = {"CheckoutRequestID": attempt.reference, "ResultCode": 0, "ResultDesc": "siri-yangu"}
    listed = [{"Name": name, "Value": value} for name, value in items.items()]
    return {"Body": {"stkCallback": told | {"CallbackMetadata": {"Item": listed}}}}


def stk_failed(attempt: Attempt, code: int = 1032) -> dict[str, Any]:
    told = {"CheckoutRequestID": attempt.reference, "ResultCode": code, "ResultDesc": "no"}
    return {"Body": {"stkCallback": told}}


def call_back(market: Market, path: str, body: Any) -> int:
    url = market.web.hook(f"daraja/{path}")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return market.web.http.post(url, content=content).status_code


def balances(market: Market) -> dict[str, int]:
    """Every account that holds anything, in cents."""
    with market.database.transaction() as tx:
        return {
            line.account: line.balance.cents
            for line in ledger.trial_balance(tx)
            if line.balance.cents
        }


def state_of(market: Market, booking: Booking) -> State:
    [found] = [each for each in market.bookings() if each.id == booking.id]
    return found.state


def test_forged_payments_change_nothing(market: Market, lines: io.StringIO) -> None:
    booking, other = market.held(), market.held(OTHER, "26/12")
    attempt, others = market.attempt(booking), market.attempt(other)
    forged: list[tuple[str | UUID, Any]] = [
        (NOBODYS_ATTEMPT, stk(attempt)),
        (attempt.id, stk(attempt, Amount=1)),
        (attempt.id, stk(attempt, Amount=TOTAL + 1)),
        (attempt.id, stk(attempt, Amount=-TOTAL)),
        (attempt.id, stk(attempt, Amount="66700.001")),
        (attempt.id, stk(attempt, Amount=10**30)),
        (attempt.id, stk(attempt, Amount=True)),
        (attempt.id, stk(attempt, Amount=[TOTAL])),
        (attempt.id, stk(attempt, PhoneNumber=254700000061)),
        (others.id, stk(attempt)),
        (attempt.id, {"Body": [stk(attempt)]}),
        (attempt.id, {"Body": {"stkCallback": "paid"}}),
        (attempt.id, {"Body": {"stkCallback": {"ResultCode": 0}}}),
        (attempt.id, {}),
    ]
    for address, body in forged:
        assert call_back(market, f"stk/{address}", body) == 200, body
    market.work()

    assert state_of(market, booking) is state_of(market, other) is State.AWAITING_PAYMENT
    assert balances(market) == {}
    assert lines.getvalue().count('"callback.rejected"') == len(forged)
    # The real one still counts.
    assert call_back(market, f"stk/{attempt.id}", stk(attempt)) == 200
    market.work()
    assert state_of(market, booking) is State.CONFIRMED


def test_what_is_no_json_object_is_refused(market: Market) -> None:
    before = stored(market)
    bodies = [
        b"",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b'{"Body": NaN}',
        b'{"Body": Infinity}',
        b'{"Body": -Infinity}',
        b"{" * 60_000,
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"Body": ' + b"9" * 5_000 + b"}",
        b'{"Body": 1e999999999999999999999}',
        b'{"Body": "\xff\xfe"}',
        b"{'Body': 1}",
        b'{"Body": 1',
    ]
    paths = [f"stk/{NOBODYS_ATTEMPT}", f"b2c/{NOBODYS_ATTEMPT}/result", "c2b/confirmation"]
    for body in bodies:
        for path in paths:
            assert call_back(market, path, body) == 400, body[:40]

    assert stored(market) == before


def test_one_payment_told_at_two_addresses_pays_for_one_booking(market: Market) -> None:
    # Two bookings of the same price; the number is masked, so nothing but the receipt differs.
    booking, other = market.held(), market.held(OTHER, "26/12")
    attempt, others = market.attempt(booking), market.attempt(other)
    masked = "2547 ***** 001"
    call_back(market, f"stk/{attempt.id}", stk(attempt, PhoneNumber=masked))
    call_back(market, f"stk/{others.id}", stk(attempt, PhoneNumber=masked))
    market.work()

    assert state_of(market, booking) is State.CONFIRMED
    assert state_of(market, other) is State.AWAITING_PAYMENT
    assert market.attempt(other).state is AttemptState.PENDING
    # What the other really pays afterwards is theirs.
    call_back(market, f"stk/{others.id}", stk(others, "UAF5T4R3E3", PhoneNumber=masked))
    market.work()
    assert state_of(market, other) is State.CONFIRMED
    assert balances(market) == {account: 2 * cents for account, cents in PAID.items()}


def test_a_result_of_another_kind_says_nothing_of_a_prompt(market: Market) -> None:
    booking = market.held()
    attempt = market.attempt(booking)
    result = {"ResultType": 0, "ResultCode": 0, "TransactionID": "UAF5T4R3E4"}
    status = {"Key": "TransactionStatus", "Value": "Completed"}

    for path, told in (
        ("b2c/{}/result", result),
        ("status/{}/result", result | {"ResultParameters": {"ResultParameter": [status]}}),
        ("b2c/{}/timeout", result),
    ):
        assert call_back(market, path.format(attempt.id), {"Result": told}) == 200
    market.work()

    assert state_of(market, booking) is State.AWAITING_PAYMENT
    assert market.attempt(booking).state is AttemptState.PENDING
    assert balances(market) == {}


def test_success_after_a_failure_counts_and_a_failure_after_it_does_not(market: Market) -> None:
    booking = market.held()
    attempt = market.attempt(booking)
    for body in (stk_failed(attempt), stk(attempt), stk_failed(attempt, 1037), stk(attempt)):
        assert call_back(market, f"stk/{attempt.id}", body) == 200
        market.work()

    assert state_of(market, booking) is State.CONFIRMED
    assert market.attempt(booking).state is AttemptState.SUCCEEDED
    assert balances(market) == PAID


def test_ten_callbacks_at_once_among_failures_post_once(market: Market) -> None:
    booking = market.held()
    attempt = market.attempt(booking)
    paid, failed = stk(attempt), stk_failed(attempt)
    bodies = [paid, failed, *[paid] * 8, failed, stk_failed(attempt, 1037), paid]

    def tell(body: dict[str, Any]) -> int:
        status = call_back(market, f"stk/{attempt.id}", body)
        run_inbox(market.parts)
        return status

    assert at_once([partial(tell, body) for body in bodies]) == [200] * len(bodies)
    market.clock.advance(seconds=30)
    market.work()

    assert state_of(market, booking) is State.CONFIRMED
    assert balances(market) == PAID
    assert (
        len([text for text in market.read(CALLER) if "PIN" in text and "M-Pesa" not in text]) == 1
    )


ODD_C2B = [
    {"BillRefNumber": "%"},
    {"BillRefNumber": "_____"},
    {"BillRefNumber": "' OR 1=1 --"},
    {"BillRefNumber": "x" * 10_000},
    {"BillRefNumber": "\u0000\ud800"},
    {"BillRefNumber": ["K7P4Q"]},
    {"BillRefNumber": None},
    {"BillRefNumber": 66700},
    {"TransAmount": "66700.000000000000000000000000000001"},
    {"TransAmount": "1e400"},
    {"TransAmount": "1e-400"},
    {"TransAmount": "1e-99999999"},
    {"TransAmount": "-66700"},
    {"TransAmount": "0x1048c"},
    {"TransAmount": "66_700"},
    {"TransAmount": "66,700"},
    {"TransAmount": "\u0666\u0666\u0667\u0660\u0661"},
    {"TransAmount": "9" * 4_000},
    {"TransAmount": 10**15},
    {"TransAmount": {"KES": 66700}},
    {"TransAmount": None},
    {"TransID": "x"},
    {"TransID": 7},
    {"TransID": "UAF5T4R3E2'; --"},
    {"BusinessShortCode": "999999"},
    {"BusinessShortCode": ["600123"]},
    {"MSISDN": ["+254700000001"], "TransAmount": "1"},
    {"TransTime": "99999999999999", "TransAmount": "1"},
]


def test_payments_by_hand_that_cannot_be_are_turned_away(market: Market) -> None:
    booking = market.held()
    good = {
        "TransID": "UAF5T4R3E2",
        "TransAmount": "66700.00",
        "BusinessShortCode": "600123",
        "BillRefNumber": booking.code,
        "MSISDN": "2547 ***** 001",
        "TransTime": "20261120093022",
    }
    for over in ODD_C2B:
        url = market.web.hook("daraja/c2b/validation")
        answer = market.web.http.post(url, content=json.dumps(good | over).encode())
        assert answer.status_code == 200, over
        assert answer.json()["ResultCode"].startswith("C2B000"), over
        # Told as done all the same: kept, judged by the worker, never for this booking.
        assert call_back(market, "c2b/confirmation", good | over) == 200, over
    market.work()

    assert state_of(market, booking) is State.AWAITING_PAYMENT
    with market.database.transaction() as tx:
        assert not tx.db.scalars(select(Inbound).where(Inbound.state == Arrival.DEAD)).all()
    assert "escrow:*" not in balances(market)


# Messages


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


def test_a_flood_of_messages_is_answered_once_each(market: Market) -> None:
    sent = [
        partial(market.sms, "STATUS mgeni-wangu", OTHER, f"flood-{n % 20}") for n in range(100)
    ]

    assert set(at_once(sent)) == {200}
    market.work()

    assert len(market.read(OTHER)) == 20


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


# Races


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
    market.sms(f"{booking.code} {word}", ASKED_VENDOR)

    shown, _ = at_once([vendor.again, partial(run_inbox, market.parts)])
    market.work()

    accepted = state_of(market, booking) is State.AWAITING_PAYMENT
    assert accepted or state_of(market, booking) is State.DECLINED
    assert accepted or word == "2"
    told = [text for text in market.read(OTHER) if booking.code in text or "KES" in text]
    assert len(told) == 1
    [by_sms] = [
        text for text in market.read(ASKED_VENDOR) if "accept" in text or "decline" in text
    ][-1:]
    assert booking.code in by_sms
    assert shown.startswith("CON ")
