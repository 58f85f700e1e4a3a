"""Stories as text files: read like a phone conversation, played against the whole system.

A line is a step; the indented block under it is what the phone then shows::

    given clock 2026-11-20 09:00; language +254700000011 sw
    given operator +254700000001 airtel; route +254700000001 kannel
    given price 4508 524,738; deposit 4508 30 14; wallet +254700000001 400,000
    phone +254700000001         who holds the phone from here on
    dial *384*7781#
        | Karibu Nafasi! ...    the screen; (end) under it when the call is over
    > 1                         what is typed
    again                       the network repeats the hop: the same bytes must come
    drop                        the call is cut off
    sms +254700000011           what that phone was sent since it was last looked at
    sms from +254700000011: 1   an SMS to us
    sms parts 3,1,1 from +254700000011: long words    so much of it comes, in this order;
                                "parts 1 as 7 from" where the phone calls the message so
    pay ok                      ok cancelled wrong_pin insufficient timeout no_callback late twice
    card paid                   on the provider's page, by the newest link: paid declined
    paybill K7P4Q 66700         money by hand; "refused" or "rejected" behind it when it is
    fault oauth error500 50     a provider misbehaves so many times (channels/simulator/faults.py)
    wait 25h                    5s, 10m, 25h, 9d: all that falls due on the way is done
    inputs <= 9                 so many entries at the most since the call began
    tell 1 It came back today   staff answer the question with this number
    checked +254700000071       an admin has looked at the papers of that vendor
    decide K7P4Q 50             an admin gives the customer so many percent of what is disputed
    state K7P4Q confirmed
    ledger payable:1 40,000     an account, or a kind of accounts, in shillings
    provider flutterwave 24,665.70   what the provider itself holds of ours
    spent sms 4.80 calls 0.30   what messages and calls have cost us, in shillings
    check                       every invariant of the core holds

A story ends with every message read, every prompt answered, nothing waiting to be sent, no
conversation locked, and books that balance. ``pytest tests/transcripts --update-transcripts``
writes what happens into the stories; the difference is what is reviewed.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from core.booking.offers import choose_deposit
from core.booking.queries import booking_by_code
from core.catalog.queries import listing_by_number
from core.clock import NAIROBI
from core.disputes.usecases import resolve
from core.escrow import ledger
from core.inbox import Arrival, Inbound
from core.insight.model import UssdSession
from core.invariants.run import run_all
from core.outbox import Notice, Sending
from core.payouts.details import verify
from core.people.model import Language, User, Vendor
from core.people.usecases import set_language
from core.support.usecases import answer
from sessions.fit import SCREEN_SEPTETS
from sessions.gsm7 import segments, septets
from sessions.notices.render import SEGMENTS_MAX
from tests.support.stage import Stage
from tests.support.world import World

UNITS_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
OUTCOMES = {
    "ok": "paid",
    "cancelled": "cancelled",
    "wrong_pin": "wrong_pin",
    "insufficient": "insufficient",
    "timeout": "timeout",
    "no_callback": "no_callback",
    "late": "late_paid",
    "twice": "duplicate",
}
END, NOTHING, BETWEEN = "(end)", "(nothing)", "--"
HERE = "https://nafasi.example"
_SENT = re.compile(r"(?:parts (\S+) (?:as (\d+) )?)?from ([^:]+):(.*)")
_BLOCK = re.compile(r"\s+(\||\(end\)|\(nothing\)|--)")


class Wrong(AssertionError):
    """A story does not go as it is told."""


@dataclass
class Step:
    """One line of a story, with the block that should follow it."""

    number: int
    text: str
    expected: list[str] = field(default_factory=list)


def parse(text: str) -> list[Step]:
    """Return all lines of a story as steps; comments and empty lines are steps that do nothing."""
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        if _BLOCK.match(line):
            steps[-1].expected.append(line.strip())
        else:
            steps.append(Step(number, line.rstrip()))
    return steps


def begins(steps: list[Step]) -> datetime:
    """Return the moment that a story names first."""
    for step in steps:
        if found := re.match(r"given clock (\S+ \S+?)(;|$)", step.text):
            return datetime.fromisoformat(found[1]).replace(tzinfo=NAIROBI)
    raise Wrong("a story begins with: given clock 2026-11-20 09:00")


def play(stage: Stage, path: Path, redis_url: str, *, update: bool = False) -> None:
    """Play a story and compare, or write down what happens in place of what was expected.

    Raises:
        Wrong: something else happened than the file says.
    """
    steps = parse(path.read_text())
    with stage.world(begins(steps), redis_url) as world:
        player = Player(world)
        try:
            for step in steps:
                _play_step(player, step, update=update)
        finally:
            if update:
                path.write_text("".join(_lines(steps)))
        try:
            player.finish()
        except AssertionError as error:
            raise Wrong(f"{path.name}: at the end: {error}") from error


def _play_step(player: "Player", step: Step, *, update: bool) -> None:
    try:
        shown = player.play(step.text)
        if update:
            step.expected = shown
        _compare(shown, step.expected)
    except AssertionError as error:
        raise Wrong(f"line {step.number}: {step.text}\n{error}") from error


def _lines(steps: list[Step]) -> Iterator[str]:
    for step in steps:
        yield f"{step.text}\n"
        yield from (f"    {line}\n" for line in step.expected)


def _compare(shown: list[str], expected: list[str]) -> None:
    if shown != expected:
        told = difflib.unified_diff(expected, shown, "told", "happened", lineterm="", n=20)
        raise Wrong("\n".join(told))


class Player:
    """Plays lines, and knows who holds the phone and what they have read."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.phone = ""
        self.inputs = 0
        self.screens: dict[str, dict[str, Any]] = {}
        self.read: dict[str, int] = {}
        self._verbs: dict[str, Callable[[str], list[str] | None]] = {
            "given": self._given,
            "phone": self._take_phone,
            "dial": self._dial,
            ">": self._answer,
            "again": self._again,
            "drop": self._drop,
            "sms": self._sms,
            "pay": self._pay,
            "card": self._card,
            "paybill": self._paybill,
            "fault": self._fault,
            "wait": self._wait,
            "inputs": self._inputs,
            "tell": self._tell,
            "checked": self._checked,
            "decide": self._decide,
            "state": self._state,
            "ledger": self._ledger,
            "provider": self._provider,
            "spent": self._spent,
            "check": self._check,
        }

    def play(self, line: str) -> list[str]:
        """Do what a line says; the block that belongs under it."""
        if not line or line.startswith("#"):
            return []
        verb, _, rest = line.partition(" ")
        if verb not in self._verbs:
            raise Wrong(f"no such step: {verb}")
        return self._verbs[verb](rest.strip() if verb != ">" else rest) or []

    def finish(self) -> None:
        """Check that nothing is left over."""
        world = self.world
        world.work()
        unread = {
            phone: texts[self.read.get(phone, 0) :]
            for phone in world.readers()
            if len(texts := world.inbox(phone)) > self.read.get(phone, 0)
        }
        assert not unread, f"messages that the story does not tell: {unread}"
        waiting = world.control("/stk")["stk"]
        assert not waiting, f"a prompt was left unanswered: {waiting}"
        assert not world.leases(), "a conversation is still locked"
        self._check("")
        self._check_messages()

    def _check_messages(self) -> None:
        """Everything owed was sent, within its segments, and everything heard was applied."""
        with self.world.database.transaction() as tx:
            for notice in tx.db.scalars(select(Notice)):
                assert notice.state is Sending.SENT, f"{notice.topic} is {notice.state}"
                assert notice.text is not None
                allowed = SEGMENTS_MAX.get(notice.topic, 1)
                assert segments(notice.text) <= allowed, f"{notice.topic}: {notice.text}"
            left = tx.db.scalar(
                select(func.count())
                .select_from(Inbound)
                .where(Inbound.state.not_in((Arrival.APPLIED, Arrival.IGNORED)))
            )
            assert not left, f"{left} callbacks were not applied"

    def _given(self, rest: str) -> None:
        for fact in rest.split(";"):
            kind, *values = fact.split()
            match kind, values:
                case "clock", [_day, _time]:
                    pass  # The world was set up at this moment.
                case "language", [phone, language]:
                    with self.world.database.transaction() as tx:
                        set_language(tx, phone, Language(language))
                case "price", [number, amount]:
                    with self.world.database.transaction() as tx:
                        listing_by_number(tx, int(number)).price_cents = _cents(amount)
                case "deposit", [number, percent, days]:
                    with self.world.database.transaction() as tx:
                        choose_deposit(tx, int(number), int(percent) * 100, int(days))
                case "operator", [phone, operator]:
                    self.world.call_over(phone, operator)
                case "route", [phone, route]:
                    self.world.control("/phones", {"phone": phone, "sms_route": route})
                case "wallet", [phone, amount]:
                    self.world.control(
                        "/phones", {"phone": phone, "balance_cents": _cents(amount)}
                    )
                case _:
                    raise Wrong(f"nothing is given by: {fact}")

    def _take_phone(self, rest: str) -> None:
        self.phone = rest

    def _dial(self, rest: str) -> list[str]:
        self.inputs = 0
        return self._show(self.world.dial(self.phone, rest))

    def _answer(self, rest: str) -> list[str]:
        self.inputs += 1
        return self._show(self.world.answer(self.phone, rest))

    def _show(self, screen: dict[str, Any]) -> list[str]:
        text = str(screen["text"])
        assert septets(text) <= SCREEN_SEPTETS, f"{septets(text)} septets: {text}"
        self.screens[self.phone] = screen
        return [*_quoted(text), *([END] if screen["final"] else [])]

    def _again(self, _rest: str) -> None:
        screen = self.screens[self.phone]
        repeated = self.world.hop_again(self.phone, screen)
        assert repeated == screen["reply"], f"the repeated hop was answered by: {repeated}"

    def _drop(self, _rest: str) -> None:
        self.world.hang_up(self.phone)

    def _sms(self, rest: str) -> list[str] | None:
        if sent := _SENT.fullmatch(rest):
            numbers, name, phone, words = sent.groups(default="")
            parts = [int(number) for number in numbers.split(",") if number]
            called = int(name) if name else None
            self.world.text(phone.strip(), words.strip(), parts, called)
            return None
        self.world.work()
        # Where our pages are is different in every run.
        texts = [text.replace(self.world.servers.base, HERE) for text in self.world.inbox(rest)]
        unread = texts[self.read.get(rest, 0) :]
        self.read[rest] = len(texts)
        block: list[str] = []
        for text in unread:
            block += [*([BETWEEN] if block else []), *_quoted(text)]
        return block or [NOTHING]

    def _pay(self, rest: str) -> None:
        outcome, *other = rest.split()
        self.world.settle_prompt(other[0] if other else self.phone, OUTCOMES[outcome])

    def _card(self, outcome: str) -> None:
        self.world.pay_by_card(self.phone, outcome)

    def _paybill(self, rest: str) -> None:
        account, amount, *expected = rest.split()
        said = self.world.paybill(self.phone, account, int(amount.replace(",", "")))
        assert said == (expected or ["completed"])[0], f"M-Pesa says: {said}"

    def _fault(self, rest: str) -> None:
        service, kind, times = rest.split()
        fault = {"service": service, "fault": kind, "times": int(times), "seconds": 0}
        self.world.control("/faults", fault)

    def _wait(self, rest: str) -> None:
        amount, unit = int(rest[:-1]), rest[-1]
        self.world.wait(timedelta(seconds=amount * UNITS_SECONDS[unit]))

    def _inputs(self, rest: str) -> None:
        most = int(rest.removeprefix("<="))
        assert self.inputs <= most, f"it took {self.inputs} inputs"

    def _tell(self, rest: str) -> None:
        number, _, words = rest.partition(" ")
        self.world.work()
        with self.world.database.transaction() as tx:
            answer(tx, int(number), words)

    def _decide(self, rest: str) -> None:
        code, percent = rest.split()
        self.world.work()
        with self.world.database.transaction() as tx:
            booking = booking_by_code(tx, code).booking
            resolve(tx, booking.id, int(percent), None, "As the story tells")

    def _checked(self, rest: str) -> None:
        self.world.work()
        with self.world.database.transaction() as tx:
            vendor = tx.db.scalars(select(Vendor).join(User).where(User.msisdn == rest)).one()
            verify(tx, vendor.number, kyc=True, payout=False)
        self.world.forget(rest)

    def _state(self, rest: str) -> None:
        code, state = rest.split()
        self.world.work()
        with self.world.database.transaction() as tx:
            found = booking_by_code(tx, code).booking.state
        assert found == state, f"{code} is {found}"

    def _ledger(self, rest: str) -> None:
        account, amount = rest.split()
        expected = _cents(amount)
        self.world.work()
        with self.world.database.transaction() as tx:
            if ":" in account:
                held = ledger.balance(tx, account).cents
            else:
                held = sum(
                    line.balance.cents for line in ledger.trial_balance(tx) if line.kind == account
                )
        assert held == expected, f"{account} holds {held / 100:,.2f}"

    def _provider(self, rest: str) -> None:
        name, amount = rest.split()
        balance_cents = self.world.control("/wallets")[f"{name}_balance_cents"]
        held_cents = balance_cents - self.world.servers.config.flutterwave_opening_cents
        assert held_cents == _cents(amount), f"{name} holds {held_cents / 100:,.2f}"

    def _spent(self, rest: str) -> None:
        expected = re.fullmatch(r"sms (\S+) calls (\S+)", rest)
        if expected is None:
            raise Wrong("it reads: spent sms 4.80 calls 0.30")
        self.world.work()
        with self.world.database.transaction() as tx:
            for column, told in zip(
                (Notice.cost_cents, UssdSession.cost_cents), expected.groups(), strict=True
            ):
                cents = tx.db.scalar(select(func.sum(column))) or 0
                assert cents == _cents(told), f"{column.class_.__name__}: {cents / 100:.2f}"

    def _check(self, _rest: str) -> None:
        self.world.work()
        with self.world.database.transaction() as tx:
            assert run_all(tx) == []


def _cents(amount: str) -> int:
    """An amount as stories write it, ``64,765.70``, in cents."""
    shillings, _, cents = amount.replace(",", "").partition(".")
    return int(shillings) * 100 + int(cents.ljust(2, "0"))


def _quoted(text: str) -> list[str]:
    return [f"| {line}".rstrip() for line in text.split("\n")]
