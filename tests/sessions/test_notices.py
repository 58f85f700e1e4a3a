"""Every message, in both languages, with the longest data there can be: it fits and is whole."""

import re
from datetime import date
from typing import Any

import pytest

from core.booking.notices import Topic
from core.limits import DISPUTE_NOTE_MAX, LISTING_LINK_LENGTH, NAME_MAX, STAY_NIGHTS_MAX, TITLE_MAX
from core.people.notices import VendorTopic
from core.ports.money import Reason
from core.relay.usecases import RELAYED_TOPIC
from core.support.usecases import ANSWERED_TOPIC
from core.waitlist.usecases import WAIT_OFFERED_TOPIC
from sessions.gsm7 import segments, septets
from sessions.notices.customer import LISTING_LINK_TOPIC
from sessions.notices.papers import PAY_TOPIC, RECEIPT_TOPIC, STATEMENT_TOPIC
from sessions.notices.render import HELP_TOPIC, SEGMENTS_MAX, render, topics
from sessions.notices.support import DROPPED_TOPIC
from sessions.texts import LANGUAGES
from tests.sessions.worst_notices import (
    ALTERNATIVES,
    BUSINESS,
    BY_SMS,
    CARRIED,
    CASES,
    CONTEXT,
    MORE,
    PLACE,
    TITLE,
    TOKEN,
    WORST,
)

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
