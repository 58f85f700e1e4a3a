"""Other days and other people: asked for on the menu or by SMS, agreed to, paid for, or not."""

from datetime import timedelta
from uuid import UUID

from core.booking.changes import payable_now
from core.booking.model import Booking, BookingChange
from core.booking.modify import (
    accept_change,
    decline_change,
    keep_as_was,
    preview_change,
    request_change,
    wish_of,
)
from core.db.tx import Tx
from core.payments.collections import start_collection
from workers.simulate.points import Step
from workers.simulate.scene import Scene
from workers.simulate.wallets import Wallets

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
BY_TEXT_SHARE = 0.3
ANSWERED_BY_TEXT_SHARE = 0.3


class Changes:
    """People who have thought of something else.

    Args:
        scene: where they live.
        wallets: how they pay the difference.
    """

    def __init__(self, scene: Scene, wallets: Wallets) -> None:
        self._scene = scene
        self._wallets = wallets

    def ask(self, phone: str, vendor: str, booking_id: UUID) -> None:
        """Wish for another day, another length or other people."""
        scene, chance = self._scene, self._scene.chance
        booking = scene.look(lambda tx: tx.db.get_one(Booking, booking_id))
        starts_on, people, days = None, None, None
        match chance.choice(("day", "people", "both", "length")):
            case "day":
                starts_on = booking.starts_on + timedelta(days=chance.choice((-2, -1, 1, 2, 7)))
            case "people":
                people = max(1, booking.people + chance.choice((-20, -1, 1, 2, 20)))
            case "both":
                starts_on = booking.starts_on + timedelta(days=1)
                people = booking.people + 1
            case _:
                days = max(1, (booking.ends_on - booking.starts_on).days + chance.choice((-1, 1)))
        if scene.maybe(BY_TEXT_SHARE) and starts_on is not None:
            self._by_text(phone, f"CHANGE {booking.code} {starts_on:%d/%m/%Y} {people or ''}")
        else:

            def change(tx: Tx) -> BookingChange:
                wish = wish_of(tx, booking, starts_on=starts_on, days=days, people=people)
                agreed = preview_change(tx, booking, wish).agreed
                return request_change(tx, booking.id, booking.customer_id, wish, agreed)

            scene.turn(Step.CHANGE, change)
        scene.agenda.after(
            chance.uniform(5 * MINUTE, 30 * HOUR), lambda: self._answer(vendor, booking)
        )
        scene.agenda.after(
            chance.uniform(2 * MINUTE, 36 * HOUR), lambda: self._pay(phone, booking.id)
        )
        if scene.maybe(0.1):
            scene.agenda.after(chance.uniform(MINUTE, 12 * HOUR), lambda: self._keep(booking))

    def _by_text(self, phone: str, words: str) -> None:
        scene = self._scene
        scene.text(phone, words)
        wait = scene.chance.uniform(30, 20 * MINUTE)
        scene.agenda.after(wait, lambda: scene.text(phone, f"{words} YES"))

    def _answer(self, vendor: str, booking: Booking) -> None:
        """The vendor says yes or no, or nothing at all."""
        scene = self._scene
        if scene.maybe(0.15):
            return
        if scene.maybe(ANSWERED_BY_TEXT_SHARE):
            scene.text(vendor, f"{booking.code} {scene.chance.choice('1112')}")
            return
        yes = scene.maybe(0.75)
        step, answer = (
            (Step.ACCEPT_CHANGE, accept_change) if yes else (Step.DECLINE_CHANGE, decline_change)
        )
        scene.turn(
            step,
            lambda tx: answer(tx, booking.id, booking.vendor_id),
            lambda: self._answer(vendor, booking),
        )

    def _pay(self, phone: str, booking_id: UUID) -> None:
        """Pay what the change costs: by a prompt, by hand, twice, late, short, or not at all."""
        scene, chance = self._scene, self._scene.chance
        booking = scene.look(lambda tx: tx.db.get_one(Booking, booking_id))
        owed = scene.look(lambda tx: payable_now(tx, booking))
        if owed is None:
            return
        match chance.choice(("prompt", "prompt", "hand", "twice", "late", "short", "never")):
            case "prompt":
                scene.turn(Step.PAY, lambda tx: start_collection(tx, booking_id, phone))
            case "hand":
                self._wallets.send(phone, booking.code, owed.ask.cents)
            case "twice":
                for wait in (0, chance.uniform(0, 5 * MINUTE)):
                    self._send_later(wait, phone, booking.code, owed.ask.cents)
            case "late":
                wait = chance.choice((30 * MINUTE, 3 * HOUR, 30 * HOUR))
                self._send_later(wait, phone, booking.code, owed.ask.cents)
            case "short":
                self._wallets.send(phone, booking.code, max(100, owed.ask.cents // 2 // 100 * 100))
            case _:
                scene.tally["difference never paid"] += 1

    def _send_later(self, seconds: float, phone: str, code: str, cents: int) -> None:
        self._scene.agenda.after(seconds, lambda: self._wallets.send(phone, code, cents))

    def _keep(self, booking: Booking) -> None:
        self._scene.turn(
            Step.KEEP_AS_WAS, lambda tx: keep_as_was(tx, booking.id, booking.customer_id)
        )
