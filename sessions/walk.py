"""Moves about in a flow: opens and enters screens, goes back, continues, shows where it stands."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from core import receipts
from core.db.tx import Tx
from core.errors import Refused
from core.ports.calls import Reply
from core.talks import Channel
from sessions import texts
from sessions.fit import page, view_of
from sessions.flow import Ask, End, Flow, Go, Menu, Option, Talk
from sessions.state import HISTORY_MAX, State, Step
from sessions.turns import Hop, NeedsThread, Played, Transactions, blanked, new_part

REDIRECTS_MAX = 5
RESUME = "@resume"
CONTINUE = "@continue"
AROUND = " \t\r\n#"


class Walk:
    """One hop under way: the state, and the line why that will stand above the screen.

    Args:
        flow: the screens.
        database: what screens marked ``core=True`` read from.
        state: where the conversation stands; changed as the hop goes on.
        hop: what is played.
        reading: the transaction to read in; without it each reading opens its own.
    """

    def __init__(
        self,
        flow: Flow,
        database: Transactions,
        state: State,
        hop: Hop,
        reading: Callable[[], AbstractContextManager[Tx]] | None = None,
    ) -> None:
        self.flow = flow
        self.database = database
        self.state = state
        self.hop = hop
        self.why: texts.Text | None = None
        self.acted = False
        self.did = ""
        self._caller = state.person
        # Until a screen has been run here, the view is the one that the person was shown.
        self.seen = True
        # The very bytes of a receipt, when the last thing that happened has one.
        self.told: str | None = None
        self.changed: list[str] = []
        self._reading = reading or (database.reading if hop.threaded else None)

    def open(self, cut_off: State | None) -> None:
        """Show the first screen of a call."""
        first = self.hop.turn.transcript.partition("*")[0].strip(AROUND)
        go = self.flow.shortcut(first) if first else None
        try:
            if go is not None:
                self.state.history.append(Step(self.flow.home, [0], {}))
                self.enter(go.to, go.set, push=False)
                return
        except Refused as refused:
            self.state.history.clear()
            self.why = texts.why(refused)
        if cut_off is not None and go is None:
            self._ask_to_continue(cut_off)
        else:
            self.enter(self.flow.home, {})

    def enter(
        self,
        name: str,
        values: Mapping[str, Any],
        *,
        push: bool = True,
        why: texts.Text | None = None,
        pages: list[int] | None = None,
    ) -> None:
        """Run a screen and stand on it; a refusal leaves everything as it was."""
        state = self.state
        draft, put = dict(state.draft), dict(values)
        screen = self.flow.find(name)
        for _ in range(REDIRECTS_MAX):
            if screen.core and not self.hop.threaded:
                raise NeedsThread
            home = screen.name == self.flow.home
            kept = self.flow.kept_of(state.draft) if home else state.draft
            draft = {**kept, **put}
            shown = screen.show(self.talk(draft, core=screen.core))
            if not isinstance(shown, Go):
                break
            put, why = {**put, **shown.set}, shown.why or why
            screen = self.flow.find(shown.to)
        else:
            raise RuntimeError(f"screens lead in a circle: {screen.name}")
        if home:
            state.history = []
        elif push and screen.name != state.screen:
            undo = {key: _old(state.draft, key) for key in put}
            state.history = [*state.history, Step(state.screen, state.pages, undo)][-HISTORY_MAX:]
        state.screen, state.draft = screen.name, draft
        self.seen = False
        self.told = None
        if why is not None:
            self.why = why
        if isinstance(shown, Ask) and shown.secret and self.hop.channel is not Channel.USSD:
            # A message is kept as it came, by us and by others on its way.
            shown = End(texts.on_a_call_only(self.hop.turn.service_code))
        if isinstance(shown, End):
            self.end(shown)
            return
        state.view = view_of(shown, state.person.language, pure=not screen.core)
        state.pages = [p for p in pages or () if p < len(state.view.choices)] or [0]

    def heard(self, transcript: str) -> None:
        """Take note of a hop's whole transcript; what of it was not played is blanked.

        It was typed ahead of something that was refused: it may be a PIN as well as anything.
        """
        state, played = self.state, len(self.state.transcript)
        if len(transcript) > played:
            state.blanks = [*state.blanks, [played + 1 if played else 0, len(transcript)]]
        state.transcript = blanked(transcript, state.blanks)

    def end(self, end: End) -> None:
        """Say the last words."""
        self.state.view = view_of(end, self.state.person.language)
        self.state.pages = [0]
        self.why = self.told = None
        self.state.final = page(
            self.state.view,
            0,
            self.state.person.language,
            way_out=False,
            channel=self.hop.channel,
        ).text

    def back(self) -> None:
        """Turn a page back, or go back a screen with its answers undone."""
        state = self.state
        if len(state.pages) > 1:
            state.pages.pop()
        elif state.history:
            step, draft = state.history[-1], state.draft
            state.draft = _undone(draft, step.undo)
            try:
                self.enter(step.screen, {}, push=False, pages=step.pages)
            except Refused:
                state.draft = draft
                raise
            state.history = state.history[:-1]
        else:
            self.enter(self.flow.home, {})

    def _ask_to_continue(self, cut_off: State) -> None:
        state = self.state
        menu = Menu(
            texts.WELCOME_BACK,
            [Option(texts.CONTINUE, to=CONTINUE), Option(texts.START_OVER, to=self.flow.home)],
        )
        state.screen = RESUME
        state.view = view_of(menu, state.person.language)
        state.cut_off = cut_off.to_json()

    def resume(self) -> None:
        """Stand again where the call was cut off; the screen looks at the world anew.

        What had been done when the line broke is not asked for again: its answer is told.
        """
        state = self.state
        assert state.cut_off is not None
        if not self.hop.threaded:
            raise NeedsThread
        old = self._where_it_led(State.from_json(state.cut_off))
        if old.final is not None and not old.unfinished:
            state.screen, state.cut_off = old.screen, None
            self.end(End(old.final))
            return
        state.draft, state.history = dict(old.draft), old.history
        screen = self.flow.find(old.screen).name
        try:
            if self.flow.recheck is not None:
                screen = self.flow.recheck(self.talk(dict(state.draft), core=True), screen)
            self.enter(screen, {}, push=False, pages=old.pages)
        except Refused as refused:
            self.enter(self.flow.home, {})
            self.why = texts.why(refused)
        state.cut_off = None

    def _where_it_led(self, cut_off: State) -> State:
        """Return where the newest effect led that the cut-off state does not know of.

        A process that dies after its commit leaves a receipt, but neither an answer nor a state.
        """
        turn = self.hop.turn
        with (self._reading or self.database.reading)() as tx:
            kept = receipts.of_session(tx, turn.provider, cut_off.session)
            states = [State.from_json(receipt.next_state) for receipt in kept]
        later = (
            state
            for state in states
            if state.person.msisdn == turn.msisdn
            and new_part(cut_off.transcript, state.transcript) is not None
        )
        return max(later, key=lambda state: len(state.transcript), default=cut_off)

    def result(self) -> Played:
        """Render where we stand."""
        state = self.state
        if state.final is not None:
            text = state.final
        else:
            language = state.person.language
            fitted = page(
                state.view,
                state.pages[-1],
                language,
                way_out=state.screen != self.flow.home,
                why=texts.plain(self.why, language) if self.why is not None else "",
                channel=self.hop.channel,
            )
            text, state.shown = fitted.text, fitted.end
        reply = Reply(text if self.told is None else self.told, state.final is not None)
        introduced = state.person != self._caller
        return Played(state, reply, self.acted, introduced, tuple(self.changed), self.did)

    def talk(self, draft: dict[str, Any], *, core: bool) -> Talk:
        """Return what a screen, an answer or an effect gets to see."""
        return Talk(
            self.state.person,
            draft,
            self.hop.now,
            self.hop.turn.service_code,
            self._reading if core else None,
            self.hop.channel,
            self.flow.languages,
        )


def _old(draft: Mapping[str, Any], key: str) -> list[Any]:
    return [draft[key]] if key in draft else []


def _undone(draft: Mapping[str, Any], undo: Mapping[str, list[Any]]) -> dict[str, Any]:
    before = dict(draft)
    for key, old in undo.items():
        if old:
            before[key] = old[0]
        else:
            before.pop(key, None)
    return before
