"""The words that carry our answer to what somebody asked."""

from collections.abc import Mapping

from core.support.usecases import ANSWERED_TOPIC
from sessions.notices.context import NoticeContext, Params, Words, as_said
from sessions.texts import T, t


def _answered(params: Params, _context: NoticeContext) -> T:
    return t(
        'Nafasi on your question {number}: "{words}" To write on reply HELP and your words.',
        number=str(params["number"]),
        words=as_said(params["words"]),
    )


WORDS: Mapping[str, Words] = {ANSWERED_TOPIC: _answered}
