"""Hostile outsiders and bad networks, over HTTP against the real application and a worker.

After each story the books are right (the ``market`` fixture), and the log has lines but nobody's
number, PIN or words, and not our secret.
"""

import asyncio
import io
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest

from core.networks import SCREEN_SEPTETS
from sessions.gsm7 import septets
from tests.web.market import (
    ASKED,
    FORM_TYPE,
    INSTANT,
    NOBODYS_ATTEMPT,
    OTHER,
    Market,
    hop_form,
    phone,
)
from tests.web.rig import SECRET
from tests.web.watch import private


@pytest.fixture(autouse=True)
def lines(market: Market) -> Iterator[io.StringIO]:
    with private(market) as written:
        yield written


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
    before = market.stored()
    for body in NO_HOPS:
        url = market.web.hook("africastalking/ussd")
        answer = market.web.http.post(url, content=body, headers=FORM_TYPE)
        assert answer.status_code == 400, body

    assert market.stored() == before


def test_a_number_that_cannot_be_one_is_told_so_and_leaves_nothing(market: Market) -> None:
    before = market.stored()
    for number in ("+254", "20384", "+0000000000000", "+2547000", "999999999999999", "0"):
        answer = market.hop("none", "1", number)
        assert answer.status_code == 200, number
        assert answer.text.startswith("END Nafasi does not work from this number."), number
        assert septets(answer.text.removeprefix("END ")) <= SCREEN_SEPTETS

    assert market.stored() == before


def test_what_looks_odd_but_is_a_hop_is_served(market: Market) -> None:
    odd: list[dict[str, str]] = [
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
    before = market.stored()
    big = b"text=" + b"x" * 1_000_000
    paths = ["africastalking/ussd", "africastalking/sms", "daraja/c2b/validation"]
    paths += ["daraja/c2b/confirmation", f"daraja/stk/{NOBODYS_ATTEMPT}"]
    for path in paths:
        for secret, status in ((SECRET, 413), ("x" * len(SECRET), 404)):
            url = market.web.hook(path, secret)
            assert market.web.http.post(url, content=big).status_code == status, path

    assert market.stored() == before
    assert market.line().dial().startswith("CON ")


def test_a_wrong_secret_is_counted_and_logged(market: Market, lines: io.StringIO) -> None:
    for path in ("africastalking/ussd", "africastalking/sms", f"daraja/stk/{NOBODYS_ATTEMPT}"):
        assert market.web.http.post(market.web.hook(path, "guess")).status_code == 404

    counted = 'nafasi_callbacks_total{kind="%s",provider="%s",result="wrong_secret"}'
    assert market.web.metric(counted % ("ussd", "africastalking")) == 1
    assert market.web.metric(counted % ("any", "africastalking")) == 1
    assert market.web.metric(counted % ("any", "daraja")) == 1
    said = lines.getvalue()
    assert said.count("callback.wrong_secret") == 2
    assert said.count('"hop.refused"') == 1
    assert "guess" not in said


def test_tricks_with_addresses_find_nothing(market: Market) -> None:
    before = market.stored()
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

    assert market.stored() == before
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


async def side_by_side(market: Market, forms: list[dict[str, str]]) -> list[str]:
    """Send hops on a connection each, all before the first answer is read; what they show."""
    base, url = market.web.http.base_url, market.web.hook("africastalking/ussd")
    wires = [await asyncio.open_connection(base.host, base.port) for _ in forms]
    for (_, writer), form in zip(wires, forms, strict=True):
        body = urlencode(form)
        head = f"POST {url} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
        writer.write(f"{head}connection: close\r\n\r\n{body}".encode())
    answers = await asyncio.gather(*(reader.read() for reader, _ in wires))
    for _, writer in wires:
        writer.close()
        await writer.wait_closed()
    heads = [answer.partition(b"\r\n")[0] for answer in answers]
    assert set(heads) == {b"HTTP/1.1 200 OK"}
    return [answer.partition(b"\r\n\r\n")[2].decode() for answer in answers]


def test_five_hundred_hops_of_one_phone_at_once_are_all_answered(market: Market) -> None:
    line = market.line()
    line.dial(INSTANT)
    line.type("1", "25/12", "50")
    yes = hop_form(line.session, "*".join([*line.typed, "1"]))
    forms = [yes] * 250 + [hop_form(f"flood-{number}", "") for number in range(250)]

    shown = asyncio.run(side_by_side(market, forms))

    goodbyes = set(shown[:250])
    [booking] = market.bookings()
    assert len(goodbyes) == 1
    assert booking.code in goodbyes.pop()
    assert all(text.startswith("CON ") for text in shown[250:])


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
