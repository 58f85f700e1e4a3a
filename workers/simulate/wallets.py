"""How people pay: by the prompt on the phone, by hand, late, short, twice, wrongly or never."""

import json
from collections.abc import Callable
from contextlib import suppress

from channels.simulator import daraja_stk, flutterwave_charges
from channels.simulator.daraja_c2b import pay as pay_by_hand
from channels.simulator.state import Outcome, World
from channels.simulator.ussd import NotNow
from core.booking.dues import dues_of
from core.booking.model import Booking
from core.payments.collections import start_collection
from workers.simulate.cards import Cards
from workers.simulate.loop import Heard
from workers.simulate.market import CUSTOMERS, OTHER_WALLETS, VENDORS
from workers.simulate.points import Step
from workers.simulate.scene import Scene

MINUTE, HOUR = 60, 3600
SHILLING = 100
TRIES_MAX = 3
# A price in parts takes three payments, and some of them fail.
PARTS_TRIES_MAX = 8
PAID_BY_TEXT_SHARE = 0.1
# What a person makes of a prompt, of a hundred.
ANSWERS = {
    Outcome.PAID: 82,
    Outcome.CANCELLED: 6,
    Outcome.WRONG_PIN: 3,
    Outcome.INSUFFICIENT: 2,
    Outcome.TIMEOUT: 7,
}
LATE_PAID_SHARE = 0.3
# For a week: nothing can be paid to them, nor by them.
NO_MPESA_SHARE = 0.03
# Room is left for what comes back: a wallet holds 500,000.
CUSTOMER_CENTS = 40_000_000
VENDOR_CENTS = 1_000_000


def asked_cents(booking: Booking) -> int:
    """Return what the next payment for a booking is asked to be."""
    dues = dues_of(booking)
    return booking.total_cents if dues is None else dues.ask.cents


class Wallets:
    """Everybody's M-Pesa, and their cards.

    Args:
        scene: where they live.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._cards = Cards(scene)
        scene.network.listeners.append(self._prompted)

    def pay_day(self) -> None:
        """Customers have money again, most vendors have spent theirs; a few lose M-Pesa."""
        phones = self._scene.world.books.phones
        for number in (*CUSTOMERS, *VENDORS):
            phones.get(number).on_mpesa = not self._scene.maybe(NO_MPESA_SHARE)
        for number in CUSTOMERS:
            phones.get(number).balance_cents = CUSTOMER_CENTS
        for number in (*VENDORS, *OTHER_WALLETS):
            if self._scene.maybe(0.8):
                phones.get(number).balance_cents = VENDOR_CENTS

    def pay(self, phone: str, booking: Booking, tries: int = 0) -> None:
        """Pay for a booking in one of the ways in which people do."""
        chance = self._scene.chance
        ways: dict[Callable[[str, Booking, int], None], int] = {
            self._by_prompt: 62,
            self._by_card: 8,
            self._by_hand: 10,
            self._late_by_hand: 5,
            self._short_by_hand: 3,
            self._over_by_hand: 2,
            self._wrong_account: 2,
            self._twice: 3,
            self._never: 5,
        }
        chance.choices(list(ways), list(ways.values()))[0](phone, booking, tries)

    def _by_prompt(self, phone: str, booking: Booking, tries: int) -> None:
        """Ask for the prompt, and once more when nothing came of it."""
        scene = self._scene
        if scene.maybe(PAID_BY_TEXT_SHARE):
            scene.text(phone, f"PAY {booking.code}")
        else:
            # Whoever knows the code may pay.
            payer = phone if scene.maybe(0.95) else scene.chance.choice(CUSTOMERS)
            scene.turn(Step.PAY, lambda tx: start_collection(tx, booking.id, payer))

        self._look_again(phone, booking, tries)

    def _by_card(self, phone: str, booking: Booking, tries: int) -> None:
        self._cards.pay(phone, booking)
        self._look_again(phone, booking, tries)

    def _look_again(self, phone: str, booking: Booking, tries: int) -> None:
        """Come back a while later, and pay what is still asked for."""
        scene = self._scene

        def look() -> None:
            now = scene.look(lambda tx: tx.db.get_one(Booking, booking.id))
            tries_max = PARTS_TRIES_MAX if now.received_cents else TRIES_MAX
            if dues_of(now) is not None and tries < tries_max:
                self.pay(phone, now, tries + 1)

        scene.agenda.after(scene.chance.uniform(2 * MINUTE, 20 * MINUTE), look)

    def _by_hand(self, phone: str, booking: Booking, tries: int) -> None:
        self.send(phone, booking.code, asked_cents(booking))
        self._look_again(phone, booking, tries)

    def _late_by_hand(self, phone: str, booking: Booking, _tries: int) -> None:
        """After the hold of an instant booking; often after that of an accepted one."""
        wait = self._scene.chance.choice(
            (20 * MINUTE, 40 * MINUTE, 3 * HOUR, 13 * HOUR, 30 * HOUR)
        )
        code, cents = booking.code, asked_cents(booking)
        self._scene.agenda.after(wait, lambda: self.send(phone, code, cents))

    def _short_by_hand(self, phone: str, booking: Booking, _tries: int) -> None:
        """Less than was asked for; some pay the rest later."""
        off = self._scene.chance.choice((1, 10, 100, 1_000)) * SHILLING
        self.send(phone, booking.code, max(asked_cents(booking) - off, SHILLING))
        if self._scene.maybe(0.5):
            wait = self._scene.chance.uniform(MINUTE, 30 * MINUTE)
            self._scene.agenda.after(wait, lambda: self.send(phone, booking.code, off))

    def _over_by_hand(self, phone: str, booking: Booking, _tries: int) -> None:
        self.send(phone, booking.code, asked_cents(booking) + 50 * SHILLING)

    def _wrong_account(self, phone: str, booking: Booking, _tries: int) -> None:
        code = booking.code
        wrong = self._scene.chance.choice((code[::-1], phone[-9:], "RENT", code.lower(), ""))
        self.send(phone, wrong, asked_cents(booking))

    def _twice(self, phone: str, booking: Booking, tries: int) -> None:
        self._by_prompt(phone, booking, tries)
        wait = self._scene.chance.uniform(0, 5 * MINUTE)
        self._scene.agenda.after(wait, lambda: self._by_hand(phone, booking, tries))

    def _never(self, _phone: str, _booking: Booking, _tries: int) -> None:
        self._scene.tally["never paid"] += 1

    def send(self, phone: str, account: str, cents: int) -> None:
        """Pay the paybill by hand."""
        scene = self._scene
        said = scene.loop.run_until_complete(pay_by_hand(scene.world, phone, account, cents, None))
        scene.tally[f"paid by hand: {said['status']}"] += 1

    def _prompted(self, step: Step, _body: bytes, heard: Heard) -> None:
        """A prompt is on its way to a phone: its owner will do something about it."""
        if step is not Step.PUSH or heard.status != 200:
            return
        try:
            said = json.loads(heard.body)
        except ValueError:
            return
        scene, chance = self._scene, self._scene.chance
        answer: Callable[[World, str, Outcome], object]
        if "CheckoutRequestID" in said:
            prompt_id, answer = said["CheckoutRequestID"], daraja_stk.answer_prompt
        elif isinstance(said.get("data"), dict):
            prompt_id, answer = str(said["data"]["id"]), flutterwave_charges.answer_prompt
        else:
            return
        outcome = chance.choices(list(ANSWERS), list(ANSWERS.values()))[0]

        def decide(what: Outcome) -> None:
            with suppress(NotNow):
                scene.loop.do(lambda: answer(scene.world, prompt_id, what))
                scene.tally[f"prompt: {what}"] += 1

        scene.agenda.after(chance.uniform(3, 55), lambda: decide(outcome))
        if outcome is not Outcome.PAID and scene.maybe(LATE_PAID_SHARE):
            late = chance.uniform(2 * MINUTE, HOUR)
            scene.agenda.after(late, lambda: decide(Outcome.LATE_PAID))
