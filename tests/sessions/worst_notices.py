"""The longest that every message can get."""

from typing import Any

from core.booking.changes import DECLINED, UNANSWERED, UNPAID, WITHDRAWN
from core.booking.notices import Topic
from core.catalog.places import AREAS, TOWNS
from core.disputes.model import Problem, Side
from core.limits import (
    DISPUTE_NOTE_MAX,
    DOCUMENT_TOKEN_LENGTH,
    LISTING_LINK_LENGTH,
    PEOPLE_MAX,
    PHOTO_REASON_MAX,
    RELAY_WORDS_MAX,
    TICKET_ANSWER_MAX,
)
from core.payouts.model import HoldReason
from core.people.notices import VendorTopic
from core.ports.money import Reason
from core.relay.model import Speaker
from core.relay.usecases import RELAYED_TOPIC
from core.support.usecases import ANSWERED_TOPIC
from core.waitlist.usecases import WAIT_OFFERED_TOPIC
from sessions.notices.context import NoticeContext
from sessions.notices.customer import LISTING_LINK_TOPIC
from sessions.notices.papers import PAY_TOPIC, RECEIPT_TOPIC, STATEMENT_TOPIC
from sessions.notices.render import ANSWER_TOPIC, LATE_TOPIC, topics
from sessions.notices.support import DROPPED_TOPIC

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
        {"amount_cents": 24_700_000, "too_much": too_much, "ending": ending}
        for too_much in (False, True)
        for ending in (None, "003")
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
    Topic.MONEY_RETURNED: [
        {"amount_cents": 24_700_000, "card": card, "ending": ending}
        for card, ending in ((False, None), (False, "003"), (True, None))
    ],
    Topic.MONEY_CAME_BACK: [{"amount_cents": 24_700_000}],
    Topic.PAYOUT_SENT: [
        {"amount_cents": 99_999_999_00, "bookings": count, "to_bank": to_bank}
        for count in (0, 1, 1234)
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
