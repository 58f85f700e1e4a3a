"""Every message, in both languages, with the longest data there can be: it fits and is whole."""

import re
from datetime import date
from typing import Any

import pytest

from core.booking.changes import DECLINED, UNANSWERED, UNPAID, WITHDRAWN
from core.booking.notices import Topic
from core.catalog.places import AREAS, TOWNS
from core.disputes.model import Problem, Side
from core.limits import (
    DISPUTE_NOTE_MAX,
    DOCUMENT_TOKEN_LENGTH,
    LISTING_LINK_LENGTH,
    NAME_MAX,
    PEOPLE_MAX,
    PHOTO_REASON_MAX,
    RELAY_WORDS_MAX,
    STAY_NIGHTS_MAX,
    TICKET_ANSWER_MAX,
    TITLE_MAX,
)
from core.payouts.model import HoldReason
from core.people.notices import VendorTopic
from core.ports.money import Reason
from core.relay.model import Speaker
from core.relay.usecases import RELAYED_TOPIC
from core.support.usecases import ANSWERED_TOPIC
from core.waitlist.usecases import WAIT_OFFERED_TOPIC
from sessions.gsm7 import segments, septets
from sessions.notices.context import NoticeContext
from sessions.notices.customer import LISTING_LINK_TOPIC
from sessions.notices.papers import PAY_TOPIC, RECEIPT_TOPIC, STATEMENT_TOPIC
from sessions.notices.render import (
    ANSWER_TOPIC,
    HELP_TOPIC,
    LATE_TOPIC,
    SEGMENTS_MAX,
    render,
    topics,
)
from sessions.notices.support import DROPPED_TOPIC
from sessions.texts import LANGUAGES

CONTEXT = NoticeContext(
    "*384*7781#", "600123", "+254700000099", "https://nafasi.hospitality.co.ke"
)
TOKEN = "w" * DOCUMENT_TOKEN_LENGTH
TITLE = "Mugumo Gardens and Conference Centre Ltd"
BUSINESS = "Kirinyaga Wholesale Events & Catering Co"
TOWN_OF = {town.slug: town.name for town in TOWNS}
PLACE = max((f"{area.name}, {TOWN_OF[area.town]}" for area in AREAS), key=len)

# A Wednesday in September: no date is longer.
WORST: dict[str, Any] = {
    "code": "K7P4Q",
    "listing": TITLE,
    "number": 9999,
    "category": "stay",
    "place": PLACE,
    "business": BUSINESS,
    "starts_on": "2026-09-30",
    "ends_on": "2026-10-30",
    "starts_at": "2026-09-30T11:00:00+00:00",
    "people": PEOPLE_MAX,
    "total_cents": 24_700_000,
    "net_cents": 24_699_999,
    "due_at": "2026-09-23T20:45:00+00:00",
    "answer_by": "2026-09-23T20:45:00+00:00",
    "decide_by": "2026-09-30T20:46:00+00:00",
}
# As much as M-Pesa carries in parts, and a deposit with a rest.
IN_PARTS = {
    "total_cents": 199_999_900,
    "owed_cents": 199_999_900,
    "ask_cents": 24_999_900,
    "parts": 8,
}
DEPOSIT = IN_PARTS | {
    "owed_cents": 189_999_900,
    "received_cents": 100_000_000,
    "rest_cents": 99_999_900,
    "rest_by": "2026-09-23T15:00:00+00:00",
}
PART = {"came_cents": 24_999_900, "ask_cents": 24_999_900}
WAS = {
    "was_starts_on": "2026-09-23",
    "was_ends_on": "2026-10-22",
    "was_people": PEOPLE_MAX - 1,
    "was_net_cents": 24_699_998,
}
ALTERNATIVES = [
    {"number": 9990 + i, "title": f"{TITLE[:38]} {i}", "base_cents": 1, "starts_on": day}
    for i, day in enumerate(("2026-09-30", "2026-09-30", "2026-10-28"), 1)
]
BY_SMS = {"channel": "sms"}
MORE: dict[str, list[dict[str, Any]]] = {
    Topic.REQUEST_RECEIVED: [{"others": 0}, {"others": 3}],
    Topic.REQUEST_DECLINED: [
        {"alternatives": ALTERNATIVES},
        {"alternatives": []},
        {},
        BY_SMS,
        {"alternatives": ALTERNATIVES} | BY_SMS,
    ],
    Topic.REQUEST_EXPIRED: [
        {"alternatives": ALTERNATIVES},
        {"alternatives": []},
        {},
        BY_SMS,
        {"alternatives": ALTERNATIVES} | BY_SMS,
    ],
    Topic.REQUEST_ACCEPTED: [{}, IN_PARTS, DEPOSIT],
    Topic.PAYMENT_FAILED: [
        {"reason": reason.value, "card": card} for reason in Reason for card in (False, True)
    ],
    Topic.PART_RECEIVED: [
        {**PART, "part": 8, "parts": 8},
        *({**PART, "part": 1, "parts": 1, "confirmed": confirmed} for confirmed in (False, True)),
    ],
    Topic.REST_DUE: [IN_PARTS],
    Topic.REST_RECEIVED: [PART],
    Topic.HOLD_EXPIRED: [{}, {"back_cents": 199_999_900}],
    Topic.CONFIRMED_CUSTOMER: [
        {"pin": "0896", "vendor_msisdn": "+254700000011", "receipt": "SFF6XYQ1AB", **more}
        for more in ({}, DEPOSIT)
    ],
    Topic.CONFIRMED_VENDOR: [
        {"customer_msisdn": "+254700000001", **more} for more in ({}, DEPOSIT)
    ],
    Topic.CANCELLED_CUSTOMER: [
        {"by": by, "refund_cents": cents}
        for by in ("customer", "vendor", "admin", "time")
        for cents in (0, 24_700_000)
    ],
    Topic.CANCELLED_VENDOR: [
        {"by": by, "kept_cents": cents, "penalties": penalties}
        for by in ("customer", "vendor", "admin", "time")
        for cents in (0, 24_699_999)
        for penalties in (1, 99)
    ],
    Topic.DISPUTE_OPENED_CUSTOMER: [{"held_cents": 24_700_000}],
    Topic.DISPUTE_OPENED_VENDOR: [{"problem": problem.value} for problem in Problem],
    Topic.DISPUTE_NOTE: [
        {"side": side.value, "words": letter * DISPUTE_NOTE_MAX}
        for side in (Side.CUSTOMER, Side.VENDOR)
        for letter in ("x", "[")
    ],
    DROPPED_TOPIC: [{"title": TITLE, "token": TOKEN}],
    ANSWERED_TOPIC: [
        {"number": 9_999_999, "words": letter * TICKET_ANSWER_MAX} for letter in ("x", "[")
    ],
    Topic.DISPUTE_RESOLVED_CUSTOMER: [
        {"refund_cents": cents, "kept_cents": 24_700_000 - cents}
        for cents in (0, 12_350_000, 24_700_000)
    ],
    Topic.DISPUTE_RESOLVED_VENDOR: [
        {"refund_cents": 24_700_000, "kept_cents": cents} for cents in (0, 24_699_999)
    ],
    Topic.MONEY_RETURNING: [
        {"amount_cents": 24_700_000, "too_much": too_much} for too_much in (False, True)
    ],
    Topic.CHANGED_CUSTOMER: [
        {**WAS, "to_pay_cents": more, "refund_cents": back, "price_cents": 24_700_000}
        for more, back in ((0, 0), (24_700_000, 0), (0, 24_700_000))
    ],
    Topic.CHANGED_VENDOR: [WAS],
    Topic.CHANGE_ASKED: [WAS],
    Topic.REQUEST_CHANGED: [WAS],
    Topic.CHANGE_ACCEPTED: [{"to_pay_cents": 24_700_000}],
    Topic.CHANGE_OFF_CUSTOMER: [{"reason": reason} for reason in (DECLINED, UNANSWERED, UNPAID)],
    Topic.CHANGE_OFF_VENDOR: [{"reason": reason} for reason in (UNANSWERED, UNPAID, WITHDRAWN)],
    Topic.MONEY_RETURNED: [{"amount_cents": 24_700_000}],
    Topic.MONEY_CAME_BACK: [{"amount_cents": 24_700_000}],
    Topic.PAYOUT_SENT: [
        {"amount_cents": 99_999_999_00, "bookings": count, "to_bank": to_bank}
        for count in (1, 1234)
        for to_bank in (False, True)
    ],
    Topic.PAYOUT_FAILED: [
        {"amount_cents": 99_999_999_00, "reason": reason.value, "to_bank": to_bank}
        for reason in Reason
        for to_bank in (False, True)
    ],
    Topic.PAYOUT_HELD: [
        {"amount_cents": 99_999_999_00, "reason": reason.value, "until": None}
        for reason in HoldReason
    ]
    + [{"amount_cents": 99_999_999_00, "reason": "changed", "until": WORST["due_at"]}],
    Topic.PAYOUT_REVERSED: [{"amount_cents": 99_999_999_00}],
    Topic.VENDOR_SUSPENDED: [{}],
    Topic.VENDOR_REINSTATED: [{}],
    Topic.PAYOUT_CHANGED: [{"to_bank": to_bank, "ending": "012"} for to_bank in (False, True)],
}
UNTIL = "2026-09-30T20:45:00+00:00"
MORE |= {
    VendorTopic.JOINED: [{"token": TOKEN}],
    VendorTopic.PAPERS: [{"token": TOKEN, "until": "2026-09-30"}],
    VendorTopic.PHOTOS: [{"token": TOKEN, "until": "2026-09-30"}],
    VendorTopic.PHOTO_TAKEN_DOWN: [{"reason": letter * PHOTO_REASON_MAX} for letter in ("x", "[")],
    VendorTopic.PIN_LOCKED: [{"until": UNTIL}],
    VendorTopic.STAFF_ADDED: [{"name": BUSINESS, "ending": "001"}],
    VendorTopic.STAFF_OWNER: [{"name": BUSINESS, "ending": "001"}],
}
MORE |= {
    RECEIPT_TOPIC: [
        {"label": f"{letter}2026-999999", "credit": credit, "amount_cents": 24_700_000}
        | {"token": TOKEN, "day": "2026-09-30"}
        for letter, credit in (("R", False), ("C", True))
    ],
    STATEMENT_TOPIC: [
        {"token": TOKEN, "month": "2026-09-01", "until": "2026-09-30T20:45:00+00:00"}
    ],
    PAY_TOPIC: [{"token": TOKEN, "amount_cents": 24_700_000}],
}
MORE |= {
    # Of each kind of day the longest: a stay's nights, and a whole month.
    WAIT_OFFERED_TOPIC: [{"category": category} for category in ("stay", "venue")],
    RELAYED_TOPIC: [
        {"relay": "Q999", "speaker": side.value, "words": letter * RELAY_WORDS_MAX}
        for side in Speaker
        for letter in ("x", "[")
    ],
    LISTING_LINK_TOPIC: [
        {"token": "w" * LISTING_LINK_LENGTH, "until": "2026-09-30T20:45:00+00:00"}
    ],
}
CARRIED = {ANSWER_TOPIC, LATE_TOPIC}
CASES = [
    (topic, {**WORST, **more})
    for topic in topics()
    if topic not in CARRIED
    for more in MORE.get(topic, [{}])
]
# What each message is for: these stand in it in full, whatever the names.
TOLD: dict[str, tuple[str, ...]] = {
    Topic.REQUEST_RECEIVED: ("K7P4Q", "{net}", "{day}", "23:45", "5,000", "1", "2"),
    Topic.REQUEST_ACCEPTED: ("{total}", "23:45", "PAY K7P4Q", "*384*7781*K7P4Q#", "600123"),
    Topic.PART_RECEIVED: ("KES 249,999", "23:45", "PAY K7P4Q", "600123"),
    Topic.REST_DUE: ("K7P4Q", "{day}", "KES 1,999,999", "8", "23:45", "PAY K7P4Q", "600123"),
    Topic.REST_RECEIVED: ("K7P4Q", "{day}", "KES 249,999"),
    Topic.REQUEST_DECLINED: ("K7P4Q", "{day}"),
    Topic.REQUEST_EXPIRED: ("K7P4Q", "{day}"),
    Topic.REQUEST_MISSED: ("K7P4Q", "{day}"),
    Topic.REQUEST_WITHDRAWN: ("K7P4Q", "{day}"),
    Topic.PAYMENT_FAILED: ("PAY K7P4Q", "23:45", "*384*7781*K7P4Q#", "600123"),
    Topic.PROVIDER_DOWN: ("{total}", "600123", "K7P4Q", "23:45"),
    Topic.HOLD_EXPIRED: ("K7P4Q", "{day}", "*384*7781*9999#"),
    Topic.NOT_PAID: ("K7P4Q", "{day}"),
    Topic.CONFIRMED_CUSTOMER: (
        "{total}", "K7P4Q", PLACE, "{day}", "14:00", "5,000", "0700000011", "0896", "CANCEL K7P4Q",
        "0700000099",
    ),
    Topic.CONFIRMED_VENDOR: ("K7P4Q", "{net}", "{day}", "5,000", "0700000001", "PIN"),
    Topic.CANCELLED_CUSTOMER: ("K7P4Q", "{day}"),
    Topic.CANCELLED_VENDOR: ("K7P4Q", "{day}"),
    Topic.COMPLETED: ("K7P4Q", "1", "5", "PROBLEM K7P4Q", "0700000099"),
    Topic.DISPUTE_OPENED_CUSTOMER: ("{total}", "23:45", "23:46", "PROBLEM K7P4Q"),
    Topic.DISPUTE_OPENED_VENDOR: ("{day}", "23:45", "PROBLEM K7P4Q"),
    Topic.DISPUTE_NOTE: ("PROBLEM K7P4Q",),
    Topic.DISPUTE_REMINDER_CUSTOMER: ("K7P4Q", "23:45", "23:46"),
    Topic.DISPUTE_REMINDER_VENDOR: ("PROBLEM K7P4Q", "23:45"),
    Topic.DISPUTE_WITHDRAWN: ("K7P4Q", "{day}"),
    Topic.DISPUTE_RESOLVED_CUSTOMER: ("K7P4Q", "KES ", "0700000099"),
    Topic.DISPUTE_RESOLVED_VENDOR: ("K7P4Q", "{total}", "0700000099"),
    Topic.CHANGED_CUSTOMER: ("K7P4Q", "{day}", "5,000", "4,999", "23 Sep"),
    Topic.CHANGED_VENDOR: ("K7P4Q", "{day}", "5,000", "4,999", "{net}", "KES 246,999.98"),
    Topic.CHANGE_ASKED: ("{day}", "5,000", "4,999", "{net}", "23:45", "K7P4Q 1", "K7P4Q 2"),
    Topic.REQUEST_CHANGED: ("{day}", "5,000", "4,999", "{net}", "23:45", "K7P4Q 1", "K7P4Q 2"),
    Topic.CHANGE_ACCEPTED: ("{total}", "23:45", "PAY K7P4Q", "*384*7781*K7P4Q#", "600123"),
    Topic.CHANGE_OFF_CUSTOMER: ("K7P4Q", "{day}", "5,000"),
    Topic.CHANGE_OFF_VENDOR: ("K7P4Q", "{day}", "5,000"),
    Topic.CHECK_IN_LOCKED: ("K7P4Q", "5", "0700000099"),
    Topic.MONEY_RETURNING: ("{total}", "K7P4Q", "0700000099"),
    Topic.MONEY_RETURNED: ("{total}", "K7P4Q"),
    Topic.MONEY_CAME_BACK: ("{total}", "K7P4Q", "0700000099"),
    Topic.PAYOUT_SENT: ("KES 99,999,999",),
    Topic.PAYOUT_FAILED: ("KES 99,999,999", "0700000099"),
    Topic.PAYOUT_HELD: ("KES 99,999,999", "0700000099"),
    Topic.PAYOUT_REVERSED: ("KES 99,999,999", "0700000099"),
    ANSWERED_TOPIC: ("9999999", "HELP"),
    DROPPED_TOPIC: ("GO", "STOP", f"{CONTEXT.public_url}/c/{TOKEN}"),
    Topic.VENDOR_SUSPENDED: ("0700000099",),
    Topic.VENDOR_REINSTATED: ("0700000099",),
    Topic.PAYOUT_CHANGED: ("012", "FREEZE", "0700000099"),
    VendorTopic.JOINED: (f"{CONTEXT.public_url}/v/{TOKEN}", "7"),
    VendorTopic.PAPERS: (f"{CONTEXT.public_url}/v/{TOKEN}", "{day}"),
    VendorTopic.PHOTOS: (f"{CONTEXT.public_url}/g/{TOKEN}", "{day}"),
    VendorTopic.PHOTO_TAKEN_DOWN: ("*384*7781#", "0700000099"),
    VendorTopic.VERIFIED: ("*384*7781#",),
    VendorTopic.PIN_CHOSEN: ("0700000099",),
    VendorTopic.PIN_LOCKED: ("23:45", "0700000099"),
    VendorTopic.PIN_RESET: ("*384*7781#", "0700000099"),
    VendorTopic.STAFF_ADDED: ("*384*7781#", "0700000099"),
    VendorTopic.STAFF_REMOVED: (BUSINESS[:20],),
    VendorTopic.STAFF_OWNER: ("..001", "0700000099"),
    RELAYED_TOPIC: ("Q999",),
    LISTING_LINK_TOPIC: (f"{CONTEXT.public_url}/l/{'w' * LISTING_LINK_LENGTH}", "23:45"),
    WAIT_OFFERED_TOPIC: ("{day}", "5,000", "{total}", "YES 9999", "23:45", "NO 9999"),
    HELP_TOPIC: ("*384*7781#", "0700000099"),
    RECEIPT_TOPIC: ("K7P4Q", "{total}", f"{CONTEXT.public_url}/receipts/{TOKEN}.pdf"),
    STATEMENT_TOPIC: ("09/2026", "{day}", f"{CONTEXT.public_url}/statements/{TOKEN}"),
    PAY_TOPIC: ("K7P4Q", "{total}", "23:45", f"{CONTEXT.public_url}/pay/{TOKEN}"),
}  # fmt: skip
# When nothing was heard, nobody is sent to pay again without a warning.
TOLD_CARD = ("{total}", "PAY K7P4Q", "CARD K7P4Q", "23:45")
TOLD_SILENT = ("{total}", "PAY K7P4Q", "23:45")
VALUES = {
    "en": {"{total}": "KES 247,000", "{net}": "KES 246,999.99", "{day}": "Wed 30 Sep"},
    "sw": {"{total}": "KES 247,000", "{net}": "KES 246,999.99", "{day}": "Jtn 30 Sep"},
}
IN_SWAHILI = {
    "PAY K7P4Q": "LIPA K7P4Q",
    "CARD K7P4Q": "KADI K7P4Q",
    "CANCEL K7P4Q": "GHAIRI K7P4Q",
    "PROBLEM K7P4Q": "SHIDA K7P4Q",
    "HELP": "MSAADA",
    "GO": "ENDELEA",
    "STOP": "ACHA",
    "FREEZE": "ZUIA",
    "YES 9999": "NDIYO 9999",
    "NO 9999": "HAPANA 9999",
}


def test_the_longest_data_is_as_long_as_the_core_allows() -> None:
    assert len(TITLE) == TITLE_MAX
    assert len(BUSINESS) == NAME_MAX
    assert {topic.value for topic in (*Topic, *VendorTopic)} <= set(topics())
    starts, ends = (date.fromisoformat(WORST[key]) for key in ("starts_on", "ends_on"))
    assert (ends - starts).days == STAY_NIGHTS_MAX


def _told(topic: str, params: dict[str, Any]) -> tuple[str, ...]:
    """What must stand in a message, by what it is about."""
    if topic == Topic.PAYMENT_FAILED:
        return _told_failed(params)
    if topic == Topic.REQUEST_ACCEPTED and params.get("rest_cents"):
        return ("KES 1,899,999", "8", "23:45", "KES 999,999", "18:00", "PAY K7P4Q")
    if topic == Topic.REQUEST_ACCEPTED and params.get("parts"):
        return ("KES 1,999,999", "8", "23:45", "PAY K7P4Q", "600123")
    if topic == Topic.CONFIRMED_CUSTOMER and params.get("rest_cents"):
        return ("KES 1,000,000", "KES 999,999", "18:00", *TOLD[topic][1:])
    if topic == Topic.PART_RECEIVED and params["parts"] > 1:
        return ("KES 249,999", "8", "23:45", "PAY K7P4Q", "KES 500,000")
    return TOLD[topic]


def _told_failed(params: dict[str, Any]) -> tuple[str, ...]:
    if params["card"]:
        return TOLD_CARD
    silent = params["reason"] == Reason.SILENT
    return TOLD_SILENT if silent else TOLD[Topic.PAYMENT_FAILED]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{topic}" for i, (topic, _) in enumerate(CASES)])
def test_a_message_fits_and_tells_everything(
    case: tuple[str, dict[str, Any]], language: str
) -> None:
    topic, params = case
    body = render(topic, params, language, CONTEXT)

    assert segments(body) <= SEGMENTS_MAX.get(topic, 1), f"{septets(body)} septets: {body}"
    assert not re.search(r"[{}]", body)
    for told in _told(topic, params):
        wanted = VALUES[language].get(told, told)
        if language == "sw":
            wanted = IN_SWAHILI.get(wanted, wanted)
        assert wanted in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_somebodys_words_are_passed_on_whole(language: str) -> None:
    said = "The lights went out at noon and nobody came. " * 5

    body = render(
        Topic.DISPUTE_NOTE,
        {**WORST, "side": "customer", "words": said[:DISPUTE_NOTE_MAX]},
        language,
        CONTEXT,
    )

    assert said[:DISPUTE_NOTE_MAX] in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_vendor_reads_why_their_photo_is_gone(language: str) -> None:
    reason = "It shows a phone number: {send} one without"

    body = render(VendorTopic.PHOTO_TAKEN_DOWN, {**WORST, "reason": reason}, language, CONTEXT)

    # Braces take two septets each, and are no places for values.
    assert f'"{reason}"' in body
    assert {"en": "My listings, Photos", "sw": "Huduma zangu, Picha"}[language] in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alternative_can_be_dialled(language: str) -> None:
    body = render(
        Topic.REQUEST_DECLINED, {**WORST, "alternatives": ALTERNATIVES}, language, CONTEXT
    )

    for other in ALTERNATIVES:
        assert f"*384*7781*{other['number']}#" in body
    # Only the one on another day says which.
    assert ("Wed 28 Oct" if language == "en" else "Jtn 28 Okt") in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_shortened_only_as_far_as_needed(language: str) -> None:
    short = {**WORST, "listing": "Hall", "business": "Ann", "place": "Voi", "people": 5}

    long_body = render(Topic.CONFIRMED_CUSTOMER, CASES_OF_CONFIRMED | WORST, language, CONTEXT)
    short_body = render(Topic.CONFIRMED_CUSTOMER, CASES_OF_CONFIRMED | short, language, CONTEXT)

    assert TITLE[:10] in long_body
    assert BUSINESS[:10] in long_body
    assert ".." not in short_body


CASES_OF_CONFIRMED = MORE[Topic.CONFIRMED_CUSTOMER][0]


def test_an_answer_carries_the_words_it_was_given() -> None:
    for topic in CARRIED:
        assert render(topic, {"text": "Habari: 1"}, "sw", CONTEXT) == "Habari: 1"


def test_a_topic_without_words_is_refused() -> None:
    with pytest.raises(KeyError):
        render("nothing", {}, "en", CONTEXT)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_writes_is_told_what_to_write(language: str) -> None:
    """Somebody without calls cannot dial a code."""
    book = {"en": "BOOK 9999", "sw": "AGIZA 9999"}[language]
    for params in ({}, {"back_cents": 199_999_900}):
        body = render(Topic.HOLD_EXPIRED, {**WORST, **params, **BY_SMS}, language, CONTEXT)
        assert book in body
        assert "*384*" not in body
        assert segments(body) == 1
    for topic in (Topic.REQUEST_DECLINED, Topic.REQUEST_EXPIRED):
        others = {"alternatives": ALTERNATIVES}
        body = render(topic, {**WORST, **others, **BY_SMS}, language, CONTEXT)
        assert all(f"{book.split()[0]} {other['number']}" in body for other in ALTERNATIVES)
        find = {"en": "FIND", "sw": "TAFUTA"}[language]
        assert find in render(topic, {**WORST, **BY_SMS}, language, CONTEXT)
    gone = {**WORST, "by": "vendor", "refund_cents": 0, **BY_SMS}
    assert find in render(Topic.CANCELLED_CUSTOMER, gone, language, CONTEXT)
