"""A small flow with every kind of screen, and a phone to play it on."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import create_engine, text

from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.errors import NotFound, NoUnits
from core.ids import CountedIds
from core.money import kes
from core.ports.calls import Reply, UssdTurn
from core.talks import Channel
from sessions.conductor import Conductor, HopKind
from sessions.dates import parse_day
from sessions.engine import Engine
from sessions.flow import Ask, End, Flow, Go, Menu, Option, Part, Person, Talk
from sessions.gsm7 import septets
from sessions.numbers import whole_number
from sessions.store import Store, connect
from sessions.texts import cut, keep, t

TOWNS = (
    "Nairobi", "Mombasa", "Kisumu", "Nakuru", "Eldoret", "Thika", "Naivasha", "Malindi",
    "Nyeri", "Meru", "Nanyuki", "Kericho",
)  # fmt: skip
HALL = "The Right Honourable M\u0169thoni\u2019s Garden Hall and Conference Centre"
CODE = "*384*7781#"
CALLER = "+254700000001"

sample = Part()


@sample.screen("home")
def home(talk: Talk) -> Menu:
    return Menu(
        t("Welcome {name}", name=cut(talk.person.name or "friend")),
        [
            Option(t("Find a hall"), to="town"),
            Option(t("Leave a message"), to="message"),
            Option(t("Stock"), to="stock"),
            Option(t("Kiswahili"), do="swahili"),
        ],
    )


@sample.screen("town")
def town(_talk: Talk) -> Menu:
    return Menu(t("Where?"), [Option(name, to="day", set={"town": name}) for name in TOWNS])


@sample.screen("day")
def day(talk: Talk) -> Ask:
    return Ask(
        t("Which day in {town}?", town=cut(talk.draft["town"])),
        key="day",
        to="people",
        parse="day",
        options=[
            Option(t("Tomorrow"), to="people", set={"day": str(talk.today + timedelta(days=1))})
        ],
    )


@sample.answer("day")
def day_typed(talk: Talk, typed: str) -> str:
    return parse_day(typed, talk.today).isoformat()


@sample.screen("people")
def people(_talk: Talk) -> Ask:
    return Ask(t("How many people?"), key="people", to="confirm", parse="people")


@sample.answer("people")
def people_typed(_talk: Talk, typed: str) -> int:
    return whole_number(typed, most=500)


@sample.screen("confirm", core=True)
def confirm(talk: Talk) -> Menu:
    with talk.reading() as tx:
        price = tx.db.scalar(text("SELECT price FROM sample_halls"))
    return Menu(
        [
            t("{hall}, {people} people", hall=cut(HALL), people=talk.draft["people"]),
            keep(t("Pay {price} in all", price=kes(price))),
        ],
        [Option(t("Confirm"), do="book"), Option(t("Change people"), to="people")],
    )


@sample.effect("book", refused={"no_units": "sold_out"})
def book(talk: Talk, tx: Tx) -> End:
    tx.db.execute(
        text("INSERT INTO sample_bookings (msisdn, people) VALUES (:m, :p)"),
        {"m": talk.person.msisdn, "p": talk.draft["people"]},
    )
    if tx.db.scalar(text("SELECT sold_out FROM sample_halls")):
        raise NoUnits
    tx.db.execute(text("SELECT pg_sleep(slow_seconds) FROM sample_halls"))
    return End(t("Booked for {people}.", people=talk.draft["people"]))


@sample.screen("sold_out")
def sold_out(_talk: Talk) -> Menu:
    return Menu(t("Other halls:"), [Option(t("Look again"), to="town")])


@sample.screen("message")
def message(_talk: Talk) -> Ask:
    return Ask(t("Type your message."), key="message", do="write", free_text=True)


@sample.effect("write")
def write(talk: Talk, tx: Tx) -> Go:
    tx.db.execute(
        text("INSERT INTO sample_notices (kind, body) VALUES ('message', :body)"),
        {"body": talk.draft["message"]},
    )
    return Go("stock")


@sample.screen("stock", core=True)
def stock(talk: Talk) -> Menu:
    with talk.reading() as tx:
        count = tx.db.scalar(text("SELECT count(*) FROM sample_notices WHERE kind = 'message'"))
        tx.db.execute(text("SELECT pg_sleep(slow_screen_seconds) FROM sample_halls"))
    return Menu(t("Messages: {count}", count=count), [Option(t("Write"), to="message")])


@sample.effect("swahili")
def swahili(talk: Talk, _tx: Tx) -> str:
    talk.person = replace(talk.person, language="sw")
    return "home"


@sample.screen("hall", core=True)
def hall(talk: Talk) -> Menu:
    if talk.draft["number"] != "4507":
        raise NotFound
    return Menu(t("Hall {number}", number=talk.draft["number"]), [Option(t("Book"), to="people")])


def shortcut(part: str) -> Go | None:
    return Go("hall", {"number": part}) if part.isdigit() and len(part) == 4 else None


def flow(version: str = "1", **more: object) -> Flow:
    return Flow(version, "home", [sample], shortcut=shortcut, **more)


def prepare(url: str) -> None:
    """Make the sample's own tables in a database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in TABLES:
            connection.execute(text(statement))
    engine.dispose()


TABLES = (
    (
        "CREATE TABLE sample_halls (price int, sold_out bool, slow_seconds float,"
        " slow_screen_seconds float)"
    ),
    "INSERT INTO sample_halls VALUES (66700, false, 0, 0)",
    "CREATE TABLE sample_bookings (msisdn text, people int)",
    "CREATE TABLE sample_notices (kind text, body text)",
)


class SampleHooks:
    """Who calls, and the notices as rows."""

    def __init__(self) -> None:
        self.asked = 0

    def who(self, tx: Tx, msisdn: str) -> Person:
        self.asked += 1
        tx.db.execute(text("SELECT 1"))
        return Person(msisdn, name="Amina")

    def help_sms(self, tx: Tx, person: Person) -> None:
        self._note(tx, "help", person.msisdn)

    def used(self, tx: Tx, person: Person, channel: Channel) -> None:
        """Calls only are played here."""

    def late_sms(self, tx: Tx, person: Person, text: str) -> None:
        self._note(tx, "late", f"{person.language}: {text}")

    def _note(self, tx: Tx, kind: str, body: str) -> None:
        tx.db.execute(
            text("INSERT INTO sample_notices (kind, body) VALUES (:kind, :body)"),
            {"kind": kind, "body": body},
        )


class CountingStore:
    """Counts the round trips to the store that it stands before."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.trips = 0

    def __getattr__(self, name: str) -> object:
        self.trips += 1
        return getattr(self._store, name)


@dataclass
class Desk:
    """A conductor with all that a story looks at."""

    conductor: Conductor
    database: Database | None
    hooks: SampleHooks
    kinds: list[HopKind] = field(default_factory=list)

    def phone(self, msisdn: str = CALLER) -> "Phone":
        return Phone(self, msisdn)

    async def hop(self, session: str, transcript: str, msisdn: str = CALLER) -> Reply:
        turn = UssdTurn("africastalking", session, msisdn, CODE, transcript)
        reply = await self.conductor.advance(turn)
        assert septets(reply.text) <= 160, reply.text
        return reply

    def rows(self, table: str) -> list[tuple[object, ...]]:
        assert self.database is not None
        with self.database.transaction() as tx:
            return [tuple(row) for row in tx.db.execute(text(f"SELECT * FROM {table}"))]

    def set_hall(self, **values: object) -> None:
        assert self.database is not None
        with self.database.transaction() as tx:
            for column, value in values.items():
                tx.db.execute(text(f"UPDATE sample_halls SET {column} = :v"), {"v": value})


class _Kinds:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def hop(self, kind: HopKind, reply: Reply, seconds: float) -> None:
        assert seconds >= 0
        self._desk.kinds.append(kind)


def desk(
    store: Store,
    database: Database,
    clock: ManualClock,
    *,
    flows: dict[str, Flow] | None = None,
    current: str = "1",
    **conductor: object,
) -> Desk:
    hooks = SampleHooks()
    engine = Engine(flows or {"1": flow()}, current, database, hooks)
    made = Desk(None, database, hooks)  # type: ignore[arg-type]
    made.conductor = Conductor(
        engine, store, clock, CountedIds(), observer=_Kinds(made), **conductor
    )
    return made


class Phone:
    """Dials, types, and reads what is shown; every hop repeats the whole transcript."""

    numbers: Iterator[int] = iter(range(1, 10**9))

    def __init__(self, at: Desk, msisdn: str) -> None:
        self._desk = at
        self.msisdn = msisdn
        self.session = ""
        self.transcript = ""

    async def dial(self, text: str = "") -> str:
        self.session = f"session-{next(self.numbers)}"
        self.transcript = text
        return await self.again()

    async def type(self, entry: str) -> str:
        self.transcript = f"{self.transcript}*{entry}" if self.transcript else entry
        return await self.again()

    async def again(self) -> str:
        """Let the network send the same hop once more."""
        reply = await self._desk.hop(self.session, self.transcript, self.msisdn)
        return ("END " if reply.final else "CON ") + reply.text

    async def play(self, *entries: str) -> str:
        shown = await self.dial()
        for entry in entries:
            shown = await self.type(entry)
        return shown


TO_CONFIRM = ("1", "1", "25/12", "50")


async def lose_redis(url: str) -> None:
    client = connect(url)
    await client.flushdb()
    await client.aclose()
