"""Plays what was typed: choices, typed answers, mistakes, and effects with their receipts."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from core import receipts
from core.db.tx import Tx
from core.errors import BadInput, Refused
from sessions import texts
from sessions.flow import TYPED_MAX, End, Flow, Go
from sessions.handover import Handover
from sessions.state import Choice, State
from sessions.turns import BLANK, Hooks, Hop, NeedsThread, Transactions, receipt_key
from sessions.walk import AROUND, CONTINUE, Walk

MISTAKES_MAX = 3
PARTS_MAX = 50
BACK, HOME, MORE = "0", "00", "98"


class _AskAnew(Exception):
    """The entry cannot be trusted to mean what the person saw: show the screen once more."""


def offered(state: State, typed: str) -> Choice | None:
    """Return the option with this number, if it has been shown."""
    digits = typed.rstrip(".)")
    if not (len(digits) <= 2 and digits.isascii() and digits.isdigit()):
        return None
    number = int(digits)
    return state.view.choices[number - 1] if 1 <= number <= state.shown else None


class Play(Walk):
    """A hop whose entries are played one by one. See ``Walk`` for the arguments."""

    def __init__(
        self,
        flow: Flow,
        database: Transactions,
        hooks: Hooks,
        state: State,
        hop: Hop,
        reading: Callable[[], AbstractContextManager[Tx]] | None = None,
    ) -> None:
        super().__init__(flow, database, state, hop, reading)
        self.hooks = hooks

    def replay_from_start(self) -> None:
        """Play a whole transcript without its session."""
        self.open(None)
        self.result()
        transcript = self.hop.turn.transcript
        first, star, rest = transcript.partition("*")
        if self.state.screen == self.flow.home and self.why is None:
            self.all_of(transcript)
        else:
            self.state.transcript = first
            if star:
                self.all_of(rest)
        self.heard(transcript)

    def all_of(self, rest: str) -> None:
        """Play the parts of what is new, one by one; a free text takes all that is left."""
        left: str | None = rest
        for played_parts in range(PARTS_MAX):
            if left is None or self.state.final is not None:
                return
            if played_parts:
                # What a screen offers is settled by how much of it fits on the page.
                self.result()
            question = self.state.view.question
            if question and question.free_text and not self.hop.replay:
                part, left = left, None
            else:
                part, star, after = left.partition("*")
                left = after if star else None
            played = self.state.transcript
            kept = part
            if question and question.secret:
                kept, start = BLANK * len(part), len(played) + 1 if played else 0
                self.state.blanks = [*self.state.blanks, [start, start + len(part)]]
            transcript = f"{played}*{kept}" if played else kept
            self.why = self.told = None
            try:
                understood = self._one(part.strip(AROUND), transcript)
            except _AskAnew:
                self.why = texts.ONCE_MORE
                return
            self.state.transcript = transcript
            if not self.hop.replay:
                self.seen = False
            # A later part was typed for the screen that this one should have led to. In a replay
            # the person did see the refusal and typed the next part in answer to it.
            if not understood and not self.hop.replay:
                return

    def one(self, typed: str, transcript: str) -> bool:
        """Play an entry that came by itself, whatever stands in it; False when it was refused.

        Args:
            typed: the whole entry.
            transcript: what names this turn among those of its session.
        """
        self.result()
        self.why = self.told = None
        try:
            understood = self._one(typed.strip(AROUND), transcript)
        except _AskAnew:
            self.why, understood = texts.ONCE_MORE, False
        self.state.transcript = transcript
        return understood

    def _one(self, typed: str, transcript: str) -> bool:
        """Play one entry; False when it was refused, with ``why`` set."""
        state = self.state
        try:
            if typed == BACK:
                self.back()
            elif typed == HOME:
                self.enter(self.flow.home, {})
            elif typed == MORE and state.shown < len(state.view.choices):
                state.pages.append(state.shown)
            else:
                self._chosen(typed, transcript)
        except Refused as refused:
            self.why = texts.why(refused)
            if not self._late(transcript, self.why):
                self._mistaken(transcript)
            return False
        if self.why is not None:
            return False
        self.state.mistakes = 0
        return True

    def _chosen(self, typed: str, transcript: str) -> None:
        state = self.state
        choice = offered(state, typed)
        if choice is not None:
            if self.hop.replay and not (self.seen or state.view.pure):
                raise _AskAnew
            if choice.do is not None:
                self._act(choice.do, choice.set, transcript)
            elif choice.to == CONTINUE:
                self.resume()
            else:
                assert choice.to is not None
                self.enter(choice.to, choice.set)
        else:
            self._answered(typed, transcript)

    def _answered(self, typed: str, transcript: str) -> None:
        question = self.state.view.question
        if not typed:
            raise BadInput("empty")
        if question is None:
            raise BadInput("bad_choice")
        if len(typed) > TYPED_MAX:
            raise BadInput("too_long")
        value = self._understood(question.parse, typed)
        go = value if isinstance(value, Go) else None
        if go is None and question.secret:
            assert question.do is not None, "only an effect takes a secret"
            self._act(question.do, {}, transcript, secret=value)
        elif go is None and question.do is not None:
            self._act(question.do, {question.key: value}, transcript)
        elif go is None:
            assert question.to is not None
            self.enter(question.to, {question.key: value})
        else:
            self.enter(go.to, go.set, why=go.why)

    def _understood(self, name: str | None, typed: str) -> Any:
        if name is None:
            return typed
        answer = self.flow.answers[name]
        if answer.core and not self.hop.threaded:
            raise NeedsThread
        return answer.understand(self.talk(dict(self.state.draft), core=answer.core), typed)

    def _mistaken(self, transcript: str) -> None:
        """Count an entry that was refused; the third in a row ends with help."""
        if self.hop.replay:
            return
        if self.state.mistakes + 1 >= MISTAKES_MAX:
            if not self.hop.threaded:
                raise NeedsThread
            self._commit(self._help, transcript, None)
        else:
            self.state.mistakes += 1

    def _help(self, tx: Tx, inner: "Play") -> None:
        self.hooks.help_sms(tx, inner.state.person)
        inner.state.mistakes = 0
        inner.end(End(texts.HELP_ON_ITS_WAY))
        inner.state.unfinished = True

    def _act(
        self, name: str, values: Mapping[str, Any], transcript: str, *, secret: str = ""
    ) -> None:
        """Perform an effect, its answer committed with it; a refusal shows a screen again."""
        if not self.hop.threaded:
            raise NeedsThread
        if self.hop.replay or not self.seen:
            self._adopt(transcript)
            return
        effect = self.flow.effects[name]

        def perform(tx: Tx, inner: "Play") -> None:
            state = inner.state
            self.hooks.used(tx, state.person, self.hop.channel)
            talk = inner.talk({**state.draft, **values}, core=True)
            talk.secret = secret
            outcome = effect.perform(talk, tx)
            self.changed = talk.changed
            state.person, state.draft = talk.person, talk.draft
            state.history, state.mistakes = [], 0
            if isinstance(outcome, End):
                inner.end(outcome)
            else:
                go = Go(outcome) if isinstance(outcome, str) else outcome
                inner.enter(go.to, go.set, push=False, why=go.why)

        try:
            self._commit(perform, transcript, self.hop.handover)
            self.did = name
        except Refused as refused:
            self.why = texts.why(refused)
            if self._late(transcript, self.why):
                return
            if refused.code in effect.refused:
                self.enter(effect.refused[refused.code], values, why=self.why)
        except Exception:
            self._late(transcript, texts.LATE_FAILED)
            raise

    def _commit(
        self,
        perform: Callable[[Tx, "Play"], None],
        transcript: str,
        handover: Handover | None,
    ) -> None:
        """Run an effect once in a transaction with its receipt, and stand where it led."""
        before = self.state.dump()
        key = receipt_key(self.hop.turn, transcript)

        def use_case(tx: Tx) -> tuple[State, str]:
            kept = receipts.begin(tx, *key)
            if kept is not None:
                return State.from_json(kept.next_state), kept.reply
            inner = Play(
                self.flow,
                self.database,
                self.hooks,
                State.load(before),
                self.hop,
                lambda: nullcontext(tx),
            )
            inner.state.transcript = transcript
            perform(tx, inner)
            told = inner.result().reply.text
            if handover is not None and not handover.claim():
                person = inner.state.person
                late = told if inner.state.final else texts.plain(texts.LATE_DONE, person.language)
                self.hooks.late_sms(tx, person, late)
                inner.end(End(texts.LATE))
                told = inner.result().reply.text
            state = inner.state
            receipts.keep(
                tx,
                *key,
                reply=told,
                final=state.final is not None,
                next_state=state.to_json(),
            )
            return state, told

        self.state, self.told = self.database.run(use_case)
        self.acted, self.why, self.seen = True, None, False

    def _adopt(self, transcript: str) -> None:
        """Stand where an effect led that was performed before, or ask for it anew."""
        with self.database.transaction() as tx:
            kept = receipts.find(tx, *receipt_key(self.hop.turn, transcript))
            if kept is None:
                raise _AskAnew
            self.state = State.from_json(kept.next_state)
            self.told, self.why = kept.reply, None
        self.seen = True

    def _late(self, transcript: str, text: texts.Text) -> bool:
        """Tell by SMS of an effect that failed after the hop had given up; True when it had."""
        handover = self.hop.handover
        if handover is None or handover.claim():
            return False

        def tell(tx: Tx, inner: "Play") -> None:
            person = inner.state.person
            self.hooks.late_sms(tx, person, texts.plain(text, person.language))
            inner.end(End(texts.LATE))

        self._commit(tell, transcript, None)
        return True
