"""What is remembered of a conversation between two hops, as JSON and as values."""

from dataclasses import dataclass, field
from typing import Any

# A hop reads and writes one state; the standard library takes four times as long to write it.
from pydantic_core import from_json, to_json

from sessions.flow import Draft, Person
from sessions.texts import Part

FORMAT = 1
HISTORY_MAX = 20
REPLIES_KEPT_MAX = 16


@dataclass(slots=True)
class Choice:
    """An option as it was offered: what was shown, and what it means."""

    label: list[Part]
    to: str | None
    set: dict[str, Any]
    do: str | None

    def to_json(self) -> list[Any]:
        """Return a JSON list."""
        return [self.label, self.to, self.set, self.do]


@dataclass(slots=True)
class Question:
    """How a typed answer is to be understood, from the Ask that was shown."""

    key: str
    to: str | None
    do: str | None
    parse: str | None
    free_text: bool
    secret: bool = False

    def to_json(self) -> list[Any]:
        """Return a JSON list."""
        return [self.key, self.to, self.do, self.parse, self.free_text, self.secret]


@dataclass(slots=True)
class View:
    """A screen as it was shown, in its language and unshortened, so that it can be shown again.

    Attributes:
        lines: the lines above the options, each as parts of which some may be shortened.
        kept: for each line, whether it must never be cut.
        choices: all options, of every page: the frozen snapshot that ``98`` walks through.
        question: set when an answer may be typed.
        pure: the screen read no database, so that a replay shows the same.
    """

    lines: list[list[Part]]
    kept: list[bool]
    choices: list[Choice] = field(default_factory=list)
    question: Question | None = None
    pure: bool = True

    def to_json(self) -> list[Any]:
        """Return a JSON list."""
        return [
            self.lines,
            self.kept,
            [choice.to_json() for choice in self.choices],
            self.question and self.question.to_json(),
            self.pure,
        ]

    @classmethod
    def from_json(cls, data: list[Any]) -> "View":
        """Return the value of ``to_json``."""
        lines, kept, choices, question, pure = data
        return cls(
            lines, kept, [Choice(*c) for c in choices], question and Question(*question), pure
        )


@dataclass(slots=True)
class Step:
    """One screen on the way back: its name, its pages, and what the draft held before it.

    Attributes:
        screen: where Back leads.
        pages: the first option of each page that was turned, as in ``State.pages``.
        undo: draft keys that were set when it was left: the old value in a list, or an empty
            list for a key that was not there.
    """

    screen: str
    pages: list[int]
    undo: dict[str, list[Any]]


@dataclass(slots=True)
class State:
    """A conversation.

    Attributes:
        version: the flow version that the session is pinned to.
        person: who is on the phone.
        screen: where it stands.
        view: what is shown there.
        transcript: how much of the provider's transcript has been played, with blanks where
            ``blanks`` say so.
        draft: the answers so far.
        history: the way back, oldest first.
        pages: the index of the first option on each page turned to so far; the last is shown.
        shown: the index after the last option on the present page.
        mistakes: entries refused in a row.
        replies: digests of the transcripts whose replies are kept, oldest first.
        final: the last words, once it is over.
        unfinished: it ended, but not where it should: a redial may go on with it.
        cut_off: a dropped conversation, while the person is asked whether to go on with it.
        session: the provider's id of the session, by which its receipts are found.
        blanks: from where to where the transcript is not to be known: PINs, and what was typed
            ahead of an entry that was refused.
    """

    version: str
    person: Person
    screen: str
    view: View
    transcript: str = ""
    draft: Draft = field(default_factory=dict)
    history: list[Step] = field(default_factory=list)
    pages: list[int] = field(default_factory=lambda: [0])
    shown: int = 0
    mistakes: int = 0
    replies: list[str] = field(default_factory=list)
    final: str | None = None
    unfinished: bool = False
    cut_off: dict[str, Any] | None = None
    session: str = ""
    blanks: list[list[int]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return JSON."""
        who = self.person
        return {
            "format": FORMAT,
            "version": self.version,
            "person": _person_json(who),
            "screen": self.screen,
            "view": self.view.to_json(),
            "transcript": self.transcript,
            "draft": self.draft,
            "history": [[step.screen, step.pages, step.undo] for step in self.history],
            "pages": self.pages,
            "shown": self.shown,
            "mistakes": self.mistakes,
            "replies": self.replies,
            "final": self.final,
            "unfinished": self.unfinished,
            "cut_off": self.cut_off,
            "session": self.session,
            "blanks": self.blanks,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "State":
        """Return the value of ``to_json``.

        Raises:
            ValueError: it was written by another format.
        """
        if data.get("format") != FORMAT:
            raise ValueError("a session of another format")
        return cls(
            version=data["version"],
            person=Person(*data["person"]),
            screen=data["screen"],
            view=View.from_json(data["view"]),
            transcript=data["transcript"],
            draft=data["draft"],
            history=[Step(*step) for step in data["history"]],
            pages=data["pages"],
            shown=data["shown"],
            mistakes=data["mistakes"],
            replies=data["replies"],
            final=data["final"],
            unfinished=data["unfinished"],
            cut_off=data["cut_off"],
            session=data.get("session", ""),
            blanks=data.get("blanks", []),
        )

    def dump(self) -> str:
        """Return the state as compact JSON text."""
        return to_json(self.to_json()).decode()

    @classmethod
    def load(cls, text: str) -> "State":
        """Return the state of ``dump``; raises ValueError for another format."""
        return cls.from_json(from_json(text))


def dump_person(person: Person) -> str:
    """Return a person as compact JSON text."""
    return to_json(_person_json(person)).decode()


def load_person(text: str) -> Person:
    """Return the person of ``dump_person``."""
    return Person(*from_json(text))


def _person_json(who: Person) -> list[Any]:
    return [who.msisdn, who.language, who.id, who.name, who.vendor_id, who.role]
