"""The values a screen returns, and how screens, answers and effects are put together to a flow.

A screen is a function from what is known to what is shown. The engine does the rest: it numbers
the options and stores them with the turn, so that "2" means what was shown; it pages, fits,
translates, goes back, and says why an entry was refused::

    party = Part()

    @party.screen("people")
    def people(talk: Talk) -> Ask:
        return Ask(t("How many people?"), key="people", to="confirm", parse="people")

    @party.answer("people")
    def people_typed(talk: Talk, typed: str) -> int:
        return whole_number(typed, least=1, most=PEOPLE_MAX)  # Refusals show the screen again.

    @party.screen("confirm", core=True)                       # core=True: runs in a thread.
    def confirm(talk: Talk) -> Menu:
        with talk.reading() as tx:
            listing = listing_of(tx, talk.draft["listing"])
        return Menu(
            [t("Book {name}?", name=cut(listing.title)), keep(t("Total {p}", p=listing.price))],
            [Option(t("Confirm"), do="book"), Option(t("Change"), to="people")],
        )

    @party.effect("book", refused={"no_units": "alternatives"})
    def book(talk: Talk, tx: Tx) -> End:                      # One transaction with its receipt.
        booking = book_instant(tx, ...)
        return End(t("Booked: {code}.", code=booking.code))

    flow = Flow(version="1", home="home", parts=[welcome, party])

Rules: what is put into the draft is plain JSON. A screen changes nothing. ``0`` Back, ``00`` Home
and ``98`` More belong to the engine. After an effect there is no way back past it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from core.clock import nairobi_date
from core.db.tx import Tx
from core.talks import Channel
from sessions.texts import LANGUAGE, LANGUAGES, Lines, Text

TYPED_MAX = 160

Draft = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Who is on the phone.

    Attributes:
        msisdn: E.164.
        language: one of ``texts.LANGUAGES`` or ``texts.DRAFTS``.
        id: the person's id in the core as text, None for somebody we do not know yet.
        name: what we call them, may be empty.
        vendor_id: the vendor they act for, None for customers.
        role: as what they act for that vendor, a ``core.people.model.Role``.
    """

    msisdn: str
    language: str = LANGUAGE
    id: str | None = None
    name: str = ""
    vendor_id: str | None = None
    role: str = ""


class Talk:
    """One conversation as a screen sees it.

    Attributes:
        draft: the answers so far; a screen reads it, options and answers fill it. An effect may
            change it before it names a next screen.
        person: who is talking. An effect that changes them (language, name, becoming a vendor)
            puts the new Person here; it is remembered.
        now: the moment of this turn, UTC.
        service_code: what was dialled, for sentences such as "Dial *384*7781#".
        channel: where it is held, for sentences that say how to go on.
        languages: what can be chosen, the person's own among them.
        secret: in the effect of a secret question what was typed; nobody keeps it.
        changed: numbers of others whose role an effect has changed: their next call asks anew.
    """

    __slots__ = (
        "_reading",
        "changed",
        "channel",
        "draft",
        "languages",
        "now",
        "person",
        "secret",
        "service_code",
    )

    def __init__(
        self,
        person: Person,
        draft: Draft,
        now: datetime,
        service_code: str = "",
        reading: Callable[[], AbstractContextManager[Tx]] | None = None,
        channel: Channel = Channel.USSD,
        languages: Sequence[str] = LANGUAGES,
    ) -> None:
        self.channel = channel
        self.languages = languages
        self.person = person
        self.draft = draft
        self.now = now
        self.service_code = service_code
        self.secret = ""
        self.changed: list[str] = []
        self._reading = reading

    @property
    def lang(self) -> str:
        """The person's language."""
        return self.person.language

    @property
    def today(self) -> date:
        """The calendar day in Kenya."""
        return nairobi_date(self.now)

    def day(self, key: str) -> date:
        """Return a date of the draft, which holds it in ISO form."""
        return date.fromisoformat(self.draft[key])

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """Open a transaction to read with. Inside an effect it is the effect's own.

        Raises:
            RuntimeError: the screen or answer is not marked ``core=True``: it runs on the event
                loop, where waiting for a database would hold up everybody.
        """
        if self._reading is None:
            raise RuntimeError("only core=True screens and answers, and effects, may read")
        with self._reading() as tx:
            yield tx


@dataclass(frozen=True, slots=True)
class Option:
    """One numbered choice.

    Attributes:
        label: what is shown after the number.
        to: the next screen.
        set: what choosing it puts into the draft.
        do: the effect to perform (then ``to`` is not used: the effect names what comes next).
    """

    label: Text
    to: str | None = None
    set: Mapping[str, Any] = field(default_factory=dict)
    do: str | None = None

    def __post_init__(self) -> None:
        assert (self.to is None) != (self.do is None), "an option leads to a screen or an effect"


class Fixed(tuple[Option, ...]):
    """Options that are made once: they are put into words once in each language."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


@dataclass(frozen=True, slots=True)
class Menu:
    """A choice. Any number of options; the engine shows at most five at a time.

    Attributes:
        text: a line or a list of lines above the options; ``keep(...)`` lines are never cut.
        options: what can be chosen.
        empty: shown in place of ``text`` when there are no options.
    """

    text: Lines
    options: Sequence[Option]
    empty: Text | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question with a typed answer, and options for the usual answers.

    Attributes:
        text: a line or a list of lines.
        key: where in the draft the answer goes.
        to: the next screen.
        do: the effect to perform with the answer, instead of ``to``.
        parse: the name of the ``answer`` function that understands it; without one the answer is
            kept as typed, at most ``TYPED_MAX`` characters.
        options: numbered choices beside typing. A number on the screen is always the choice.
        free_text: the answer may hold ``*``; everything after the last turn is one answer.
        secret: the answer is a PIN. It goes to the effect as ``talk.secret`` and into no draft,
            and what is remembered of the conversation has blanks in its place.
    """

    text: Lines
    key: str
    to: str | None = None
    do: str | None = None
    parse: str | None = None
    options: Sequence[Option] = ()
    free_text: bool = False
    secret: bool = False

    def __post_init__(self) -> None:
        assert (self.to is None) != (self.do is None), "an answer leads to a screen or an effect"
        assert not self.secret or (self.do and not self.options), "only an effect takes a secret"


@dataclass(frozen=True, slots=True)
class End:
    """The last words; the phone closes the conversation."""

    text: Lines


@dataclass(frozen=True, slots=True)
class Go:
    """On to another screen.

    A screen returns it when it has nothing to ask; an answer, to choose the way itself; an
    effect, to name the next screen and add to the draft. ``why`` is said above that screen.
    """

    to: str
    set: Mapping[str, Any] = field(default_factory=dict)
    why: Text | None = None


ScreenFunction = Callable[[Talk], Menu | Ask | End | Go]
EffectFunction = Callable[[Talk, Tx], End | Go | str]
AnswerFunction = Callable[[Talk, str], Any]
S = TypeVar("S", bound=ScreenFunction)
E = TypeVar("E", bound=EffectFunction)
A = TypeVar("A", bound=AnswerFunction)


@dataclass(frozen=True, slots=True)
class Screen:
    """A registered screen."""

    name: str
    show: ScreenFunction
    core: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """A registered effect; ``refused`` maps error codes to the screen shown then."""

    name: str
    perform: EffectFunction
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A registered way to understand what was typed."""

    name: str
    understand: AnswerFunction
    core: bool


class Part:
    """Some screens that belong together, usually one module's."""

    def __init__(self) -> None:
        self.screens: dict[str, Screen] = {}
        self.effects: dict[str, Effect] = {}
        self.answers: dict[str, Answer] = {}

    def screen(self, name: str, *, core: bool = False) -> Callable[[S], S]:
        """Register a screen.

        Args:
            name: unique in the flow; live sessions stand on it, so rename only with ``moved``.
            core: it reads the database (``talk.reading()``) and therefore runs in a thread.
        """

        def register(show: S) -> S:
            assert name not in self.screens, f"two screens are called {name}"
            self.screens[name] = Screen(name, show, core)
            return show

        return register

    def effect(self, name: str, *, refused: Mapping[str, str] | None = None) -> Callable[[E], E]:
        """Register an effect: it runs in one transaction with the receipt of its turn.

        A ``Refused`` rolls the transaction back; the person sees why above the same screen, or
        above the screen that ``refused`` names for the error's code.
        """

        def register(perform: E) -> E:
            assert name not in self.effects, f"two effects are called {name}"
            self.effects[name] = Effect(name, perform, dict(refused or {}))
            return perform

        return register

    def answer(self, name: str, *, core: bool = False) -> Callable[[A], A]:
        """Register a function that understands a typed answer.

        It returns the JSON value for the draft, or ``Go`` to choose the way itself, and raises
        BadInput (any Refused) with a code that ``texts.REFUSALS`` has a line for.
        """

        def register(understand: A) -> A:
            assert name not in self.answers, f"two answers are called {name}"
            self.answers[name] = Answer(name, understand, core)
            return understand

        return register


class Flow:
    """All screens of one version.

    Args:
        version: pinned by each session when it begins.
        home: the screen that a call begins with and ``00`` leads to.
        parts: where the screens, answers and effects come from.
        moved: screens that are gone, and which stands in for each.
        recheck: asked before a dropped conversation is continued: given the talk and the screen,
            it returns the screen to go on from. Runs in a thread and may read.
        shortcut: what a first entry such as a listing number or a booking code means, or None.
            Named things only, never menu positions.
        languages: what the menu offers.
        kept: keys of the draft that outlive the way home: what holds for the whole call.
    """

    def __init__(
        self,
        version: str,
        home: str,
        parts: Iterable[Part],
        moved: Mapping[str, str] | None = None,
        recheck: Callable[[Talk, str], str] | None = None,
        shortcut: Callable[[str], Go | None] = lambda _part: None,
        languages: Sequence[str] = LANGUAGES,
        kept: Iterable[str] = (),
    ) -> None:
        self.languages = tuple(languages)
        self.version = version
        self.home = home
        self.moved = dict(moved or {})
        self.recheck = recheck
        self.shortcut = shortcut
        self.kept = frozenset(kept)
        self.screens: dict[str, Screen] = {}
        self.effects: dict[str, Effect] = {}
        self.answers: dict[str, Answer] = {}
        for part in parts:
            _merge(self.screens, part.screens)
            _merge(self.effects, part.effects)
            _merge(self.answers, part.answers)
        assert home in self.screens, "the home screen is not in the flow"
        assert all(name in self.screens for name in self.moved.values()), "moved to nowhere"

    def find(self, name: str) -> Screen:
        """Return a screen, its stand-in when it has moved, or home when it is gone."""
        return self.screens.get(self.moved.get(name, name)) or self.screens[self.home]

    def kept_of(self, draft: Mapping[str, Any]) -> Draft:
        """Return what of a draft home does not forget."""
        return {key: value for key, value in draft.items() if key in self.kept}

    def vanished(self, known: Iterable[str]) -> set[str]:
        """Return which screens, once published, are neither here nor mapped in ``moved``."""
        return {name for name in known if name not in self.screens and name not in self.moved}


V = TypeVar("V")


def _merge(into: dict[str, V], more: Mapping[str, V]) -> None:
    twice = into.keys() & more.keys()
    assert not twice, f"registered twice: {sorted(twice)}"
    into.update(more)
