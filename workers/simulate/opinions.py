"""What people say of what they had: by SMS or on the web, at once, late, and once more."""

from core.booking.model import Booking
from core.reviews.usecases import leave_review
from workers.simulate.points import Step
from workers.simulate.scene import Scene

HOUR, DAY = 3600, 24 * 3600
BY_TEXT_SHARE = 0.7
AGAIN_SHARE = 0.2
STARS = (1, 2, 3, 4, 4, 5, 5, 5)
WORDS = (None, "Chakula kizuri.", "Good, but the road is bad.", "Cold water for two days.")


def tell(scene: Scene, phone: str, booking: Booking, *, again: bool = False) -> None:
    """Give stars to a booking; whoever thinks better of it corrects them."""
    chance = scene.chance
    stars, words = chance.choice(STARS), chance.choice(WORDS)
    if scene.maybe(BY_TEXT_SHARE):
        scene.text(phone, " ".join((booking.code, str(stars), words or "")).strip())
    else:
        scene.turn(
            Step.REVIEW,
            lambda tx: leave_review(tx, booking.id, booking.customer_id, stars, words),
        )
    if not again and scene.maybe(AGAIN_SHARE):
        wait = chance.uniform(HOUR, 3 * DAY)
        scene.agenda.after(wait, lambda: tell(scene, phone, booking, again=True))
