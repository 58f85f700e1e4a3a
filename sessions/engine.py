"""Plays a conversation: from a state and what was typed to the next state and what is shown.

Synchronous, and without Redis: the conductor loads, waits and stores around it. What needs the
database raises ``NeedsThread`` while on the event loop; the conductor then plays the same hop
again in a thread, from the stored state, which is safe because nothing has been done yet.
"""

from collections.abc import Mapping

from core import receipts
from core.db.tx import Database
from core.ports.calls import Reply
from sessions.flow import End, Flow, Person
from sessions.play import BACK, HOME, Play, offered
from sessions.state import State, View
from sessions.texts import ONCE_MORE
from sessions.turns import Hooks, Hop, Played, blanked, new_part, receipt_key
from sessions.walk import AROUND


class Engine:
    """The rules of a turn.

    Args:
        flows: by version; sessions that are under way keep theirs.
        current: the version that new sessions get.
        database: for effects, receipts, and screens that read.
        hooks: the application's side.
    """

    def __init__(
        self,
        flows: Mapping[str, Flow],
        current: str,
        database: Database,
        hooks: Hooks,
    ) -> None:
        assert current in flows, "the current version is not among the flows"
        self.flows = flows
        self.current = flows[current]
        self.database = database
        self.hooks = hooks

    def flow_of(self, state: State) -> Flow:
        """Return the flow that a session is pinned to, or today's when its own is gone."""
        return self.flows.get(state.version, self.current)

    def who(self, msisdn: str) -> Person:
        """Ask who has a number; only in a thread."""
        with self.database.reading() as tx:
            return self.hooks.who(tx, msisdn)

    def begin(self, person: Person, hop: Hop, cut_off: State | None = None) -> Played:
        """Open a conversation: at home, at a named shortcut, or asking whether to continue."""
        play = self._on(self._blank(person, hop), hop)
        play.open(cut_off)
        play.state.transcript = hop.turn.transcript.partition("*")[0]
        play.heard(hop.turn.transcript)
        return play.result()

    def play(self, state: State, hop: Hop) -> Played:
        """Play what is new in the hop's transcript; ``state`` is used up."""
        play = self._on(state, hop)
        rest = new_part(state.transcript, hop.turn.transcript, state.blanks)
        if rest is not None and state.final is None:
            if state.version in self.flows:
                play.all_of(rest)
            else:
                # What was shown is of a flow that nobody knows any more: show today's instead.
                play.enter(state.screen, {}, push=False, why=ONCE_MORE)
                state.version = self.current.version
            play.heard(hop.turn.transcript)
        return play.result()

    def ended(self, state: State, hop: Hop, last_words: End, *, unfinished: bool) -> Played:
        """End a conversation from outside; ``unfinished`` when a redial may go on with it."""
        play = self._on(state, hop)
        play.end(last_words)
        play.heard(hop.turn.transcript)
        state.unfinished = unfinished
        return play.result()

    def present(self, state: State, hop: Hop) -> Reply:
        """Return the present screen again; nothing changes."""
        return self._on(state, hop).result().reply

    def acts(self, state: State, transcript: str) -> bool:
        """Tell whether the next entry performs an effect."""
        rest = new_part(state.transcript, transcript, state.blanks)
        if rest is None or state.final is not None or state.version not in self.flows:
            return False
        question = state.view.question
        typed = (rest if question and question.free_text else rest.partition("*")[0]).strip(AROUND)
        if typed in (BACK, HOME):
            return False
        choice = offered(state, typed)
        return (
            choice.do is not None if choice else question is not None and question.do is not None
        )

    def recover(self, hop: Hop) -> Played:
        """Rebuild a session that Redis has lost, and answer; in a thread.

        The receipt of exactly this transcript gives the same bytes again. Otherwise the
        transcript is replayed from the newest receipt, or from the beginning, and where an effect
        would be performed, or a choice made that cannot be known, the screen is shown anew.
        """
        turn = hop.turn
        with self.database.transaction() as tx:
            kept = receipts.of_session(tx, turn.provider, turn.session_id)
            for receipt in kept:
                state = State.from_json(receipt.next_state)
                *_, digest = receipt_key(turn, blanked(turn.transcript, state.blanks))
                if receipt.digest == digest:
                    return Played(state, Reply(receipt.reply, receipt.final))
            states = [State.from_json(receipt.next_state) for receipt in kept]
        states = [state for state in states if state.person.msisdn == turn.msisdn]
        behind = [
            state
            for state in states
            if new_part(state.transcript, turn.transcript, state.blanks) is not None
        ]
        if behind:
            return self.play(max(behind, key=lambda state: len(state.transcript)), hop)
        if states:
            return Played(states[0], self.present(states[0], hop))
        play = self._on(self._blank(self.who(turn.msisdn), hop), hop)
        play.replay_from_start()
        return play.result()

    def _on(self, state: State, hop: Hop) -> Play:
        return Play(self.flow_of(state), self.database, self.hooks, state, hop)

    def _blank(self, person: Person, hop: Hop) -> State:
        flow = self.current
        return State(flow.version, person, flow.home, View([], []), session=hop.turn.session_id)
