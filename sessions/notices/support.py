"""The words to somebody who is stuck: our answer to a question, a call that was cut off."""

from collections.abc import Mapping

from core.support.usecases import ANSWERED_TOPIC
from sessions.notices.context import NoticeContext, Params, Words, as_said
from sessions.texts import T, cut, t

DROPPED_TOPIC = "call_dropped"


def _answered(params: Params, _context: NoticeContext) -> T:
    return t(
        'Nafasi on your question {number}: "{words}" To write on reply HELP and your words.',
        number=str(params["number"]),
        words=as_said(params["words"]),
    )


def _dropped(params: Params, context: NoticeContext) -> T:
    return t(
        "Your call about {listing} was cut off. To go on reply GO or open {link} No such SMS: "
        "reply STOP",
        listing=cut(params["title"]),
        link=f"{context.public_url}/c/{params['token']}",
    )


WORDS: Mapping[str, Words] = {ANSWERED_TOPIC: _answered, DROPPED_TOPIC: _dropped}
