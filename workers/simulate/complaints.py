"""What went wrong with a service: reported, answered, taken back, and decided by the office."""

from functools import partial

from core.booking.model import Booking
from core.disputes.lifecycle import DisputeState
from core.disputes.model import Problem
from core.disputes.queries import open_disputes
from core.disputes.usecases import (
    note_by_admin,
    note_by_customer,
    note_by_vendor,
    open_dispute,
    resolve,
    withdraw_dispute,
)
from workers.simulate.points import Step
from workers.simulate.scene import Scene

HOUR = 3600
BY_TEXT_SHARE = 0.4
SHARES = (0, 0, 15, 33, 50, 77, 100, 100)
WORDS = ("Hakukuwa na maji.", "The hall was locked until ten.", "Cold food, 20 plates short.")


class Complaints:
    """Customers and vendors at odds, and the office between them.

    Args:
        scene: where they live.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def report(self, phone: str, vendor: str, booking: Booking) -> None:
        """Report a problem; the vendor answers or does not, and some settle it themselves."""
        scene, chance = self._scene, self._scene.chance
        words = chance.choice(WORDS)
        if scene.maybe(BY_TEXT_SHARE):
            scene.text(phone, f"PROBLEM {booking.code} {words}")
        else:
            scene.turn(
                Step.DISPUTE,
                lambda tx: open_dispute(
                    tx, booking.id, booking.customer_id, chance.choice(list(Problem)), words
                ),
                lambda: self.report(phone, vendor, booking),
            )
        if scene.maybe(0.6):
            wait = chance.uniform(HOUR, 72 * HOUR)
            scene.agenda.after(wait, lambda: self._say(vendor, booking, by_vendor=True))
        if scene.maybe(0.3):
            wait = chance.uniform(HOUR, 72 * HOUR)
            scene.agenda.after(wait, lambda: self._say(phone, booking, by_vendor=False))
        if scene.maybe(0.15):
            wait = chance.uniform(HOUR, 96 * HOUR)
            scene.agenda.after(wait, lambda: self._take_back(phone, booking))

    def _say(self, phone: str, booking: Booking, *, by_vendor: bool) -> None:
        scene = self._scene
        words = scene.chance.choice(WORDS)
        if scene.maybe(BY_TEXT_SHARE):
            scene.text(phone, f"PROBLEM {booking.code} {words}")
            return
        note, who = (
            (note_by_vendor, booking.vendor_id)
            if by_vendor
            else (note_by_customer, booking.customer_id)
        )
        scene.turn(
            Step.DISPUTE_NOTE,
            lambda tx: note(tx, booking.id, who, words),
            lambda: self._say(phone, booking, by_vendor=by_vendor),
        )

    def _take_back(self, phone: str, booking: Booking) -> None:
        if self._scene.maybe(BY_TEXT_SHARE):
            self._scene.text(phone, f"PROBLEM {booking.code} SOLVED")
            return
        self._scene.turn(
            Step.WITHDRAW_DISPUTE,
            lambda tx: withdraw_dispute(tx, booking.id, booking.customer_id),
            lambda: self._take_back(phone, booking),
        )

    def decide(self) -> None:
        """The office decides most of what it can; some it only looks into, some it leaves."""
        scene, chance = self._scene, self._scene.chance
        for view in scene.look(open_disputes):
            booking_id = view.booking.id
            if scene.maybe(0.2):
                note = partial(note_by_admin, booking_id=booking_id, words="Called both sides.")
                scene.turn(Step.DISPUTE_NOTE, note)
            if view.dispute.state is DisputeState.DECIDING and scene.maybe(0.5):
                decision = partial(
                    resolve,
                    booking_id=booking_id,
                    customer_percent=chance.choice(SHARES),
                    admin_id=None,
                    why="As both sides told it.",
                )
                scene.turn(Step.RESOLVE, decision)
