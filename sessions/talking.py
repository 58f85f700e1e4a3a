"""A conversation that is not a call: the same screens, one message or one page an answer.

It is the flow of the calls, played by the same rules: the offered options are kept with the
conversation, an effect leaves a receipt, there is no way back past it. What differs: everything
of a turn happens in one transaction that somebody else has opened (with the message that is
marked as answered), and answers can be typed ahead (``sessions.wishes``).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from core import talks
from core.db.tx import Tx
from core.errors import Refused
from core.ports.calls import Reply, UssdTurn
from core.talks import Channel, OpenTalk
from sessions import texts
from sessions.flow import Flow, Go
from sessions.flows.home import FRESH
from sessions.play import Play, offered
from sessions.state import State, Step, View
from sessions.turns import Hooks, Hop, digest_of
from sessions.walk import AROUND, RESUME

AHEAD_MAX = 8
AHEAD = "ahead"
# A message needs as long to arrive, to be read and to be answered.
SEEN_AFTER = timedelta(seconds=5)
# Of a message's name so much goes into the name of its turn.
TURN_LETTERS = 16

T = TypeVar("T")


class Within:
    """The one transaction in which a whole turn is played. See ``Transactions``."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def run(self, use_case: Callable[[Tx], T]) -> T:
        """Run a use case under a savepoint."""
        with self.transaction() as tx:
            return use_case(tx)

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Set a savepoint; an error goes back to it."""
        with self._tx.db.begin_nested():
            yield self._tx

    def reading(self) -> AbstractContextManager[Tx]:
        """Read in the same transaction."""
        return nullcontext(self._tx)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message or one posted page.

    Attributes:
        tx: everything of the turn happens in it.
        name: unique among the turns of its person; the same again is the same turn.
        channel: what it came on and is answered on.
    """

    tx: Tx
    name: str
    channel: Channel


class Talking:
    """Plays conversations that are no calls.

    Args:
        flow: the screens.
        hooks: the application's side.
        service_code: what our sentences say to dial.
    """

    def __init__(self, flow: Flow, hooks: Hooks, service_code: str) -> None:
        self._flow = flow
        self._hooks = hooks
        self._service_code = service_code

    @property
    def home(self) -> str:
        """The screen from which there is no way back."""
        return self._flow.home

    def begin(
        self, turn: Turn, talk: OpenTalk, first: Go, ahead: Mapping[str, str] | None = None
    ) -> Reply:
        """Begin a conversation at a screen, with what has been said already.

        Args:
            turn: the message that begins it.
            talk: where it is kept; whatever was open there is forgotten.
            first: the screen, and what it starts from.
            ahead: what to type, by the screen that asks for it; the first refusal ends that.
        """
        talk.provider = turn.channel.value
        talk.token = talk.opened_by = talk.last_words = None
        person = self._hooks.who(turn.tx, talk.msisdn)
        session = turn.tx.ids.uuid().hex
        state = State(self._flow.version, person, "", View([], []), session=session)
        play = self._play(turn, talk, state)
        values = {**FRESH, **first.set, AHEAD: dict(ahead or {})}
        home = first.to == self._flow.home
        try:
            play.enter(first.to, {} if home else values, push=False)
            if not home:
                state.history = [Step(self._flow.home, [0], {})]
        except Refused as refused:
            play.enter(self._flow.home, {})
            play.why = texts.why(refused)
        return self._result(turn, talk, play)

    def answer(self, turn: Turn, talk: OpenTalk, typed: str) -> Reply | None:
        """Play one answer; None when the help message has been sent instead of a screen."""
        before = self._state(turn, talk)
        play = self._play(turn, talk, self._state(turn, talk))
        if _unseen(turn, talk, before, typed):
            play.enter(before.screen, {}, push=False, why=texts.ONCE_MORE, pages=before.pages)
        elif before.version == self._flow.version:
            play.one(typed, _transcript(before, turn))
        else:
            # What was shown is of a flow that is gone: show today's instead.
            play.enter(before.screen, {}, push=False, why=texts.ONCE_MORE)
            play.state.version = self._flow.version
        if play.state.final is not None and play.state.unfinished:
            # Nobody hangs up on a message: the screen that could not be answered stays.
            before.mistakes = 0
            talks.keep(turn.tx, talk, before.to_json(), turn.channel)
            return None
        return self._result(turn, talk, play)

    def present(self, turn: Turn, talk: OpenTalk) -> Reply:
        """Show the present screen again; what it says is looked up anew."""
        state = self._state(turn, talk)
        play = self._play(turn, talk, state)
        try:
            play.enter(state.screen, {}, push=False, pages=state.pages)
        except Refused as refused:
            play.enter(self._flow.home, {})
            play.why = texts.why(refused)
        return self._result(turn, talk, play)

    def again(self, turn: Turn, talk: OpenTalk) -> Reply:
        """Show the present screen again, as it was; nothing changes."""
        return _whole(turn, self._play(turn, talk, self._state(turn, talk))).result().reply

    def resume(self, turn: Turn, talk: OpenTalk) -> Reply:
        """Go on with a call that was cut off, as a redial does; what was done is told."""
        cut_off = self._state(turn, talk)
        state = State(self._flow.version, cut_off.person, RESUME, View([], []))
        state.cut_off, state.session = cut_off.to_json(), cut_off.session
        state.transcript = cut_off.transcript
        play = self._play(turn, talk, state)
        play.resume()
        return self._result(turn, talk, play)

    def shown(self, talk: OpenTalk) -> State:
        """Return what a conversation shows; it must be open."""
        assert talk.state is not None, "no conversation is open"
        return State.from_json(talk.state)

    def _state(self, turn: Turn, talk: OpenTalk) -> State:
        state = self.shown(talk)
        # They may have changed their language, or become a vendor, since.
        state.person = self._hooks.who(turn.tx, talk.msisdn)
        return state

    def _play(self, turn: Turn, talk: OpenTalk, state: State) -> Play:
        asked = UssdTurn(
            talk.provider, state.session, talk.msisdn, self._service_code, state.transcript
        )
        hop = Hop(asked, turn.tx.now, threaded=True, channel=turn.channel)
        return Play(self._flow, Within(turn.tx), self._hooks, state, hop)

    def _result(self, turn: Turn, talk: OpenTalk, play: Play) -> Reply:
        """Type what was typed ahead, keep where that leads, and return what is shown."""
        used: dict[str, str] = {}
        ahead: dict[str, str] = dict(play.state.draft.get(AHEAD) or {})
        for _ in range(AHEAD_MAX):
            screen = play.state.screen
            if screen not in ahead or play.state.final is not None:
                break
            used[screen] = ahead.pop(screen)
            if not play.one(used[screen], _transcript(play.state, turn)):
                play.state.mistakes = 0
                break
        if used:
            again = _after(used, play.state.screen)
            play.state.draft = {**play.state.draft, AHEAD: {**ahead, **again}}
        reply = _whole(turn, play).result().reply
        state = None if play.state.final is not None else play.state.to_json()
        talks.keep(turn.tx, talk, state, turn.channel)
        return reply


def _after(used: Mapping[str, str], screen: str) -> dict[str, str]:
    """What was typed ahead after a screen that it led back to: it need not be typed again."""
    screens = list(used)
    later = screens[screens.index(screen) + 1 :] if screen in used else []
    return {each: used[each] for each in later}


def _whole(turn: Turn, play: Play) -> Play:
    """In the browser every choice stands on one page."""
    if turn.channel is Channel.WEB:
        play.state.pages = [0]
    return play


def _unseen(turn: Turn, talk: OpenTalk, state: State, typed: str) -> bool:
    """Tell whether a yes came sooner than its question can have been read.

    Somebody who sends the same answer twice has said it to the screen before, which had no price.
    """
    if turn.channel is not Channel.SMS or turn.tx.now - talk.asked_at >= SEEN_AFTER:
        return False
    choice = offered(state, typed.strip(AROUND))
    return choice is not None and choice.do is not None


def _transcript(state: State, turn: Turn) -> str:
    """What was typed so far with this turn behind it; the names of turns stand for their words."""
    name = digest_of(turn.name)[:TURN_LETTERS]
    if state.transcript.endswith(name):
        return state.transcript
    return f"{state.transcript}*{name}" if state.transcript else name
