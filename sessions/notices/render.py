"""Turns a notice into the text that is sent.

A line fits one segment (160 septets) where the longest real data allows; ``SEGMENTS_MAX`` says
which may take two. Names are shortened first; codes, amounts and dates never.
"""

from collections.abc import Mapping
from typing import Any

from core.booking.notices import Topic
from core.msisdn import local_form
from core.people.notices import VendorTopic
from core.relay.usecases import RELAYED_TOPIC
from core.support.usecases import ANSWERED_TOPIC
from sessions.gsm7 import septets
from sessions.notices import (
    booking,
    change,
    customer,
    disputes,
    money,
    papers,
    support,
    vendor,
)
from sessions.notices.context import NoticeContext, Params, Words
from sessions.texts import Cut, T, Text, plain, t

HELP_TOPIC = "help"
ANSWER_TOPIC = "answer"
LATE_TOPIC = "late_reply"

ONE_SEGMENT = 160
TWO_SEGMENTS = 306
# Which messages may take two segments: they carry what somebody needs on the day itself, or what
# somebody has said.
SEGMENTS_MAX: Mapping[str, int] = {
    Topic.CONFIRMED_CUSTOMER: 2,
    Topic.REQUEST_DECLINED: 2,
    Topic.REQUEST_EXPIRED: 2,
    Topic.DISPUTE_OPENED_VENDOR: 2,
    Topic.DISPUTE_NOTE: 2,
    RELAYED_TOPIC: 2,
    Topic.CHANGE_ASKED: 2,
    Topic.CHANGE_ACCEPTED: 2,
    Topic.REQUEST_CHANGED: 2,
    Topic.CHANGED_CUSTOMER: 2,
    Topic.CHANGED_VENDOR: 2,
    ANSWERED_TOPIC: 2,
    VendorTopic.JOINED: 2,
    VendorTopic.PHOTO_TAKEN_DOWN: 2,
    HELP_TOPIC: 2,
    ANSWER_TOPIC: 2,
    LATE_TOPIC: 2,
}
# Names are cut to these lengths in turn until a message fits.
NAME_LENGTHS = (40, 30, 24, 20, 16, 12)


def render(topic: str, params: Params, language: str, context: NoticeContext) -> str:
    """Return a notice's final text, GSM-7, within its segments.

    Raises:
        KeyError: the topic has no words.
    """
    text = _WORDS[topic](params, context)
    limit = ONE_SEGMENT if SEGMENTS_MAX.get(topic, 1) == 1 else TWO_SEGMENTS
    for length in NAME_LENGTHS:
        body = plain(_shortened(text, length), language)
        if septets(body) <= limit:
            return body
    return body


def topics() -> tuple[str, ...]:
    """Return every topic that has words."""
    return tuple(_WORDS)


def _shortened(text: Text, length: int) -> Text:
    if not isinstance(text, T):
        return text
    params = {name: _short(value, length) for name, value in text.params.items()}
    return T(text.msgid, params, text.plural, text.count)


def _short(value: Any, length: int) -> Any:
    if isinstance(value, Cut):
        name = value.value
        return Cut(name if len(name) <= length else f"{name[: length - 2].rstrip()}..")
    return _shortened(value, length) if isinstance(value, T) else value


def _help(_params: Params, context: NoticeContext) -> T:
    return t(
        "Nafasi: dial {dial} to find halls, food and rooms and pay by M-Pesa. By SMS: FIND hall "
        "Nakuru 25/12 80, BOOK or WAIT number; STATUS, PAY, CHANGE, CANCEL, PROBLEM or RECEIPT "
        "and the code; HELP and your question; SWAHILI, STOP, START. Vendors answer 1 yes, 2 no, "
        "and ask for STATEMENT. Call {help}.",
        dial=context.ussd_code,
        help=local_form(context.help_phone),
    )


def _answer(params: Params, _context: NoticeContext) -> str:
    return str(params["text"])


_WORDS: Mapping[str, Words] = {
    **booking.WORDS,
    **money.WORDS,
    **papers.WORDS,
    **disputes.WORDS,
    **change.WORDS,
    **support.WORDS,
    **vendor.WORDS,
    **customer.WORDS,
    HELP_TOPIC: _help,
    ANSWER_TOPIC: _answer,
    LATE_TOPIC: _answer,
}
