"""Finding, booking, waiting and all else by SMS alone: which word leads where."""

from core.catalog.queries import details_by_number
from core.talks import OpenTalk
from sessions.commands import Command, Verb
from sessions.flow import Go
from sessions.play import BACK, MORE
from sessions.state import Question, State
from sessions.talking import Talking, Turn
from sessions.texts import Text, t
from sessions.wishes import understand_wanted

HOME, CATEGORIES, PLACE, DAY = "home", "customer", "place", "date"
# By SMS a budget is only asked for by whoever goes back to it: each question costs two messages.
ANY_PRICE = {"budget": "1"}


class Searching:
    """What words do in a conversation by SMS.

    Args:
        talking: plays it.
        ussd_code: what our answers say to dial.
    """

    def __init__(self, talking: Talking, ussd_code: str) -> None:
        self._talking = talking
        self._ussd_code = ussd_code

    def answer(self, turn: Turn, talk: OpenTalk, typed: str) -> Text | None:
        """Return what follows an answer; None when the help message follows."""
        reply = self._talking.answer(turn, talk, typed)
        return reply.text if reply is not None else None

    def lead(self, turn: Turn, talk: OpenTalk, command: Command) -> Text | None:
        """Return what follows a word that begins or leads; None where there is nothing to lead.

        Raises:
            Refused: there is no such listing.
        """
        match command.verb:
            case Verb.FIND:
                return self._find(turn, talk, command.words)
            case Verb.BOOK:
                return self._book(turn, talk, command.words)
            case Verb.WAIT:
                return self._wait(turn, talk, command.words)
            case Verb.MENU:
                return self._talking.begin(turn, talk, Go(HOME)).text
            case _:
                return self._along(turn, talk, command.verb)

    def _along(self, turn: Turn, talk: OpenTalk, verb: Verb) -> Text | None:
        """On, back, or where a conversation stands; None when none is open."""
        if talk.state is None or (talk.offered and verb is not Verb.GO):
            return None
        if talk.expires_at <= turn.tx.now:
            return t(
                "That was too long ago. Reply FIND hall Nakuru 25/12 80, or dial {dial}.",
                dial=self._ussd_code,
            )
        if talk.offered:
            return self._talking.resume(turn, talk).text
        typed = {Verb.BACK: BACK, Verb.MORE: MORE if _has_more(talk) else None}.get(verb)
        if typed is None:
            return self._talking.present(turn, talk).text
        return self.answer(turn, talk, typed)

    def _find(self, turn: Turn, talk: OpenTalk, words: str) -> Text:
        wanted = understand_wanted(words)
        ahead = {**ANY_PRICE, **wanted.answers}
        if wanted.category is None:
            return self._talking.begin(turn, talk, Go(CATEGORIES), ahead).text
        first = Go(PLACE, {"category": wanted.category.value})
        return self._talking.begin(turn, talk, first, ahead).text

    def _book(self, turn: Turn, talk: OpenTalk, words: str) -> Text:
        wanted = understand_wanted(words, numbered=True)
        if wanted.number is None:
            return t(
                "Reply BOOK, the listing's number, the day and how many people, such as "
                "BOOK 4507 25/12 80"
            )
        return self._talking.begin(turn, talk, _of(turn, wanted.number), wanted.answers).text

    def _wait(self, turn: Turn, talk: OpenTalk, words: str) -> Text:
        wanted = understand_wanted(words, numbered=True)
        if wanted.number is None:
            return t(
                "Reply WAIT, the listing's number, the day and how many people, such as "
                "WAIT 4507 25/12 80"
            )
        first = _of(turn, wanted.number, in_line=True)
        return self._talking.begin(turn, talk, first, wanted.answers).text


def _of(turn: Turn, number: int, *, in_line: bool = False) -> Go:
    """The way to one listing's price, or into the line for it; raises NotFound."""
    category = details_by_number(turn.tx, number).terms.category
    listing = {"category": category.value, "number": number, "direct": True, "in_line": in_line}
    return Go(DAY, listing)


def question_of(talk: OpenTalk) -> Question | None:
    """Return what may be typed freely on the screen of an open conversation."""
    assert talk.state is not None, "no conversation is open"
    return State.from_json(talk.state).view.question


def _has_more(talk: OpenTalk) -> bool:
    assert talk.state is not None, "no conversation is open"
    state = State.from_json(talk.state)
    return state.shown < len(state.view.choices)
