"""Customers and vendors: they book, answer, pay, cancel, come or do not come, as chance has it."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select

from core.booking import usecases
from core.booking.cancel import cancel_by_customer, cancel_by_vendor
from core.booking.dues import dues_of
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.offers import Wish, make_offer
from core.booking.timers import complete_by_customer
from core.catalog import calendar
from core.clock import nairobi_date
from core.db.tx import Tx
from core.limits import PIN_TRIES_MAX
from core.payments.collections import first_collection
from core.payouts.details import change_details
from core.people.model import PayoutMethod, User, Vendor
from workers.simulate.changes import Changes
from workers.simulate.complaints import Complaints
from workers.simulate.market import BANK_SHARE, CUSTOMERS, OTHER_WALLETS, Stall
from workers.simulate.opinions import tell
from workers.simulate.points import Step
from workers.simulate.scene import Scene
from workers.simulate.waiting import Waiting
from workers.simulate.wallets import Wallets

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
WISHES_A_DAY = (4, 9)
LOOKS_MAX = 3
# Of those who do not get what they want.
WAITING_SHARE = 0.6
# By then the desk has done what a message says.
ANSWERED_SECONDS = 5 * MINUTE
# The rest do it on the menu of their phone.
ANSWERED_BY_TEXT_SHARE = 0.3
CANCELLED_BY_TEXT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody wants: a wish, and the phone that it is dialled on."""

    phone: str
    stall: Stall
    wish: Wish


class People:
    """Everybody with a phone.

    Args:
        scene: where they live.
        wallets: how they pay.
        complaints: what they say when it went wrong.
    """

    def __init__(self, scene: Scene, wallets: Wallets, complaints: Complaints) -> None:
        self._scene = scene
        self._wallets = wallets
        self._changes = Changes(scene, wallets)
        self._complaints = complaints
        self._waiting = Waiting(scene)
        self.booked = 0

    def plan_day(self) -> None:
        """Plan today's wishes, between seven and ten o'clock."""
        scene = self._scene
        for _ in range(scene.chance.randint(*WISHES_A_DAY)):
            scene.agenda.after(scene.chance.uniform(7 * HOUR, 22 * HOUR), self._wish)
        if scene.maybe(0.3):
            scene.agenda.after(scene.chance.uniform(8 * HOUR, 18 * HOUR), self._block)
        if scene.maybe(0.08):
            scene.agenda.after(scene.chance.uniform(8 * HOUR, 20 * HOUR), self._change_payee)

    def _wish(self) -> None:
        scene, chance = self._scene, self._scene.chance
        stall = chance.choice(scene.stalls)
        ahead = stall.lead_days + chance.choice((0, 1, 1, 2, 3, 5, 8, 13, 21, 34))
        starts_on = nairobi_date(scene.now) + timedelta(days=ahead)
        nights = chance.randint(1, stall.nights_max)
        wish = Wish(
            stall.number,
            starts_on,
            starts_on + timedelta(days=nights),
            chance.randint(*stall.people),
        )
        self._book(Plan(chance.choice(CUSTOMERS), stall, wish))

    def _book(self, plan: Plan, *, redialled: bool = False) -> None:
        if redialled and (lost := self._made_by(plan)) is not None:
            self._live_with(plan, lost)
            return
        prompted = self._scene.maybe(0.85)

        def book(tx: Tx) -> Booking:
            total = make_offer(tx, plan.wish).price.total
            made = usecases.book(tx, plan.phone, plan.wish, total)
            if made.state is State.AWAITING_PAYMENT and prompted:
                first_collection(tx, made, plan.phone)
            return made

        made = self._scene.turn(Step.BOOK, book, lambda: self._book(plan, redialled=True))
        if made is not None:
            self._live_with(plan, made)
        elif self._scene.maybe(WAITING_SHARE):
            self._waiting.join(plan.phone, plan.wish)

    def _made_by(self, plan: Plan) -> Booking | None:
        """Return what the line that went dead had made, if it had made anything."""
        query = (
            select(Booking)
            .join(User, User.id == Booking.customer_id)
            .where(
                User.msisdn == plan.phone,
                Booking.listing_id == plan.stall.id,
                Booking.starts_on == plan.wish.starts_on,
                Booking.created_at > self._scene.now - timedelta(seconds=20 * MINUTE),
            )
        )
        return self._scene.look(lambda tx: tx.db.scalar(query.limit(1)))

    def read_offers(self) -> None:
        """Think about what became free; some answer at once, some when the offer is over."""
        scene, chance = self._scene, self._scene.chance
        stalls = {stall.id: stall for stall in scene.stalls}
        for wait, phone in self._waiting.read_offers():
            if scene.maybe(0.15):
                continue
            stall = stalls[wait.listing_id]
            wish = Wish(stall.number, wait.starts_on, wait.ends_on, wait.people)
            answered = chance.uniform(MINUTE, 75 * MINUTE)
            scene.agenda.after(answered, partial(self._waiting.answer, wait, phone, stall))
            scene.agenda.after(
                answered + ANSWERED_SECONDS,
                partial(self._live_with_offer, Plan(phone, stall, wish), wait.id),
            )

    def _live_with_offer(self, plan: Plan, wait_id: UUID) -> None:
        booking = self._waiting.booked(wait_id)
        if booking is not None:
            self._scene.tally["booked from the line"] += 1
            self._live_with(plan, booking)

    def _live_with(self, plan: Plan, booking: Booking) -> None:
        """Plan everything that people will do about a booking."""
        scene, chance = self._scene, self._scene.chance
        self.booked += 1
        if booking.state is State.REQUESTED:
            self._answer_later(plan, booking)
        else:
            self._pay_later(plan, booking.id, chance.uniform(1, 12) * MINUTE)
        if scene.maybe(0.04):
            scene.agenda.after(
                chance.uniform(MINUTE, 10 * HOUR), lambda: self._withdraw(plan, booking)
            )
        before_start = max((booking.starts_at - scene.now).total_seconds(), 2 * HOUR)
        if scene.maybe(0.12):
            # Some of them in the last two days, where less and less goes back.
            wait = before_start - chance.uniform(0, min(60 * HOUR, before_start))
            scene.agenda.after(wait, lambda: self._cancel(plan, booking))
        if scene.maybe(0.02):
            wait = chance.uniform(HOUR, before_start)
            scene.agenda.after(wait, lambda: self._vendor_cancels(plan, booking))
        if scene.maybe(0.12):
            wait = chance.uniform(10 * MINUTE, before_start)
            scene.agenda.after(
                wait, lambda: self._changes.ask(plan.phone, plan.stall.vendor, booking.id)
            )
        if booking.rest_due_at is not None:
            self._pay_rest_later(plan, booking, (booking.rest_due_at - scene.now).total_seconds())
        if scene.maybe(0.6):
            wait = before_start + chance.uniform(-HOUR, 2 * HOUR)
            scene.agenda.after(wait, lambda: self._check_in(plan, booking))
        self._plan_end(plan, booking)

    def _plan_end(self, plan: Plan, booking: Booking) -> None:
        """Plan what the customer says when it is over: that it was, how it was, what was wrong."""
        scene, chance = self._scene, self._scene.chance
        until_end = (booking.ends_at - scene.now).total_seconds()
        if scene.maybe(0.3):
            wait = max(until_end + chance.uniform(-2 * HOUR, 20 * HOUR), HOUR)
            scene.agenda.after(wait, lambda: self._complete(booking))
        if scene.maybe(0.2):
            wait = max(until_end + chance.uniform(0, 20 * DAY), HOUR)
            scene.agenda.after(wait, lambda: tell(scene, plan.phone, booking))
        if scene.maybe(0.06):
            wait = max(until_end + chance.uniform(-6 * HOUR, 70 * HOUR), HOUR)
            scene.agenda.after(
                wait, lambda: self._complaints.report(plan.phone, plan.stall.vendor, booking)
            )

    def _pay_rest_later(self, plan: Plan, booking: Booking, until: float) -> None:
        """Come with the rest of a price in the days before it is due, after it, or never."""
        scene, chance = self._scene, self._scene.chance
        if scene.maybe(0.1):
            scene.tally["rest never paid"] += 1
            return
        wait = max(until - chance.uniform(-6 * HOUR, 4 * DAY), HOUR)

        def come() -> None:
            now = scene.look(lambda tx: tx.db.get_one(Booking, booking.id))
            if now.state is State.CONFIRMED and dues_of(now) is not None:
                self._wallets.pay(plan.phone, now)

        scene.agenda.after(wait, come)

    def _answer_later(self, plan: Plan, booking: Booking) -> None:
        """The vendor answers on the phone's menu or by SMS: yes, no, both, late, or nothing."""
        scene, chance = self._scene, self._scene.chance
        wait = chance.uniform(2 * MINUTE, 6 * HOUR)
        if scene.maybe(0.1):
            scene.tally["never answered"] += 1
            return
        scene.agenda.after(wait, lambda: self._answer(plan, booking))
        if scene.maybe(0.05):
            again = wait + chance.uniform(1, 25 * HOUR)
            scene.agenda.after(again, lambda: self._answer(plan, booking))
        self._pay_later(plan, booking.id, wait + chance.uniform(3 * MINUTE, 8 * HOUR))

    def _answer(self, plan: Plan, booking: Booking) -> None:
        scene, code = self._scene, booking.code
        if scene.maybe(ANSWERED_BY_TEXT_SHARE):
            said = (
                f"{code} 1",
                f"1 {code.lower()}",
                f"ndiyo {code}",
                "1",
                f"{code} 2",
                f"{code} 1 2",
            )
            scene.text(plan.stall.vendor, scene.chance.choice(said))
            return
        yes = scene.maybe(0.88)
        step, answer = (Step.ACCEPT, usecases.accept) if yes else (Step.DECLINE, usecases.decline)
        scene.turn(
            step,
            lambda tx: answer(tx, booking.id, plan.stall.vendor_id),
            lambda: self._answer(plan, booking),
        )

    def _pay_later(self, plan: Plan, booking_id: UUID, seconds: float, looks: int = 0) -> None:
        """Come back to pay; look again later while the vendor has not answered."""

        def come() -> None:
            booking = self._scene.look(lambda tx: tx.db.get_one(Booking, booking_id))
            if booking.state is State.REQUESTED and looks < LOOKS_MAX:
                self._pay_later(plan, booking_id, 4 * HOUR, looks + 1)
            elif booking.state is State.AWAITING_PAYMENT:
                self._wallets.pay(plan.phone, booking)

        self._scene.agenda.after(seconds, come)

    def _withdraw(self, plan: Plan, booking: Booking) -> None:
        if self._scene.maybe(CANCELLED_BY_TEXT_SHARE):
            self._cancel_by_text(plan.phone, booking)
            return
        self._scene.turn(
            Step.WITHDRAW, lambda tx: usecases.withdraw(tx, booking.id, booking.customer_id)
        )

    def _cancel(self, plan: Plan, booking: Booking) -> None:
        if self._scene.maybe(CANCELLED_BY_TEXT_SHARE):
            self._cancel_by_text(plan.phone, booking)
            return
        self._scene.turn(
            Step.CANCEL,
            lambda tx: cancel_by_customer(tx, booking.id, booking.customer_id),
            lambda: self._cancel(plan, booking),
        )

    def _cancel_by_text(self, phone: str, booking: Booking) -> None:
        """Ask what would come back, then say yes to it."""
        scene = self._scene
        scene.text(phone, f"CANCEL {booking.code}")
        scene.agenda.after(
            scene.chance.uniform(30, 20 * MINUTE),
            lambda: scene.text(phone, f"CANCEL {booking.code} YES"),
        )

    def _vendor_cancels(self, plan: Plan, booking: Booking) -> None:
        self._scene.turn(
            Step.VENDOR_CANCEL,
            lambda tx: cancel_by_vendor(tx, booking.id, plan.stall.vendor_id),
            lambda: self._vendor_cancels(plan, booking),
        )

    def _check_in(self, plan: Plan, booking: Booking) -> None:
        pin = self._scene.database.vault.open(booking.check_in_pin_sealed)
        typed = pin if self._scene.maybe(0.93) else "0000"
        if typed != pin:
            # Some look at the message; others go on until no PIN is taken any more.
            again = self._scene.chance.choice((30, 30, 20 * MINUTE))
            self._scene.agenda.after(again, lambda: self._check_in(plan, booking))
        if typed != pin and self._scene.maybe(0.4):
            for _ in range(PIN_TRIES_MAX - 1):
                self._type(plan, booking, typed)
        self._type(plan, booking, typed)

    def _type(self, plan: Plan, booking: Booking, typed: str) -> None:
        self._scene.turn(
            Step.CHECK_IN,
            lambda tx: usecases.check_in(tx, booking.id, plan.stall.vendor_id, typed),
            lambda: self._check_in(plan, booking),
        )

    def _complete(self, booking: Booking) -> None:
        self._scene.turn(
            Step.COMPLETE,
            lambda tx: complete_by_customer(tx, booking.id, booking.customer_id),
        )

    def _block(self) -> None:
        """A vendor closes some days, or opens them again."""
        scene, chance = self._scene, self._scene.chance
        stall = chance.choice(scene.stalls)
        first: date = nairobi_date(scene.now) + timedelta(days=chance.randint(1, 40))
        days = [first + timedelta(days=each) for each in range(chance.randint(1, 3))]
        change = calendar.block if scene.maybe(0.5) else calendar.free
        scene.turn(Step.BLOCK, lambda tx: change(tx, stall.id, days, vendor_id=stall.vendor_id))

    def _change_payee(self) -> None:
        """A vendor wants the money elsewhere from now on."""
        scene, chance = self._scene, self._scene.chance
        stall = chance.choice(scene.stalls)
        method, details = PayoutMethod.MPESA, {"msisdn": chance.choice(OTHER_WALLETS)}
        if scene.maybe(BANK_SHARE):
            account = f"12{chance.randint(100_000, 999_999)}"
            method, details = PayoutMethod.BANK, {"bank": "01", "account": account, "name": "New"}

        def change(tx: Tx) -> Vendor:
            number = tx.db.get_one(Vendor, stall.vendor_id).number
            return change_details(tx, number, method, details)

        scene.turn(Step.CHANGE_PAYEE, change)
