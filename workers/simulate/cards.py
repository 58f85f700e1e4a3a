"""How people pay by card: a link by SMS, our page, then the provider's, where much can happen."""

from functools import partial
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select

from core.booking.model import Booking
from core.payments.cards import ask_for_card, start_card
from core.payments.lifecycle import OPEN
from core.payments.links import PayLink
from core.payments.model import Attempt
from workers.simulate.points import Step
from workers.simulate.scene import Scene

MINUTE = 60
BY_TEXT_SHARE = 0.5
# Our page loads itself until the link to the provider's is there; then its owner gives up.
LOOK_SECONDS = 15
LOOKS_MAX = 6
# What somebody does on the provider's page, of a hundred.
DEEDS = {"pay": 66, "is declined": 14, "goes back": 6, "leaves": 6, "dawdles": 5, "pays twice": 3}
TRIES_AGAIN_SHARE = 0.7


class Cards:
    """Everybody's cards.

    Args:
        scene: where they are used.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def pay(self, phone: str, booking: Booking) -> None:
        """Ask for a link, and open it when the message is there."""
        scene, chance = self._scene, self._scene.chance
        if scene.maybe(BY_TEXT_SHARE):
            scene.text(phone, f"{chance.choice(('CARD', 'kadi'))} {booking.code}")
        else:
            scene.turn(
                Step.ASK_CARD,
                lambda tx: ask_for_card(tx, tx.db.get_one(Booking, booking.id), phone),
            )
        scene.agenda.after(chance.uniform(20, 6 * MINUTE), lambda: self._open(phone, booking.id))

    def _open(self, phone: str, booking_id: UUID) -> None:
        """Press the button on our page."""
        scene = self._scene
        newest = (
            select(PayLink.token)
            .where(PayLink.booking_id == booking_id, PayLink.msisdn == phone)
            .order_by(PayLink.created_at.desc(), PayLink.token)
            .limit(1)
        )
        token = scene.look(lambda tx: tx.db.scalar(newest))
        if token is None:
            scene.tally["card: no link came"] += 1
            return
        attempt = scene.turn(
            Step.START_CARD,
            lambda tx: start_card(tx, token),
            again=lambda: self._open(phone, booking_id),
        )
        if attempt is not None:
            scene.agenda.after(LOOK_SECONDS, lambda: self._wait(attempt.id))

    def _wait(self, attempt_id: UUID, looks: int = 1) -> None:
        """Look whether the provider's page is open."""
        scene = self._scene
        attempt = scene.look(lambda tx: tx.db.get_one(Attempt, attempt_id))
        if attempt.link is not None:
            self._act(urlsplit(attempt.link).path)
        elif attempt.state in OPEN and looks < LOOKS_MAX:
            scene.agenda.after(LOOK_SECONDS, lambda: self._wait(attempt_id, looks + 1))
        else:
            scene.tally["card: no page came"] += 1

    def _act(self, page: str) -> None:
        """Pay on the provider's page, or do not."""
        scene, chance = self._scene, self._scene.chance
        deed = chance.choices(list(DEEDS), list(DEEDS.values()))[0]
        soon = chance.uniform(20, 4 * MINUTE)
        later = partial(self._press, page)
        scene.tally[f"card: {deed}"] += 1
        match deed:
            case "pay":
                later(soon, "paid")
            case "is declined":
                later(soon, "declined")
                if scene.maybe(TRIES_AGAIN_SHARE):
                    later(soon + chance.uniform(20, 3 * MINUTE), "paid")
            case "goes back":
                later(soon, "cancelled")
            case "dawdles":
                # Often when the hold is over; sometimes when the page is.
                later(chance.uniform(9 * MINUTE, 16 * MINUTE), "paid")
            case "pays twice":
                later(soon, "paid")
                later(soon + chance.uniform(0, MINUTE), "paid")
            case _:
                pass

    def _press(self, page: str, seconds: float, button: str) -> None:
        scene = self._scene

        def press() -> None:
            heard = scene.network.browse(page, {"outcome": button})
            scene.tally[f"card page: {button} {heard.status}"] += 1

        scene.agenda.after(seconds, press)
