"""Waiting for a full day: people get in line, are offered what became free, and answer."""

from uuid import UUID

from sqlalchemy import select

from core.booking.model import Booking
from core.booking.offers import Wish
from core.people.model import User
from core.waitlist.lifecycle import WaitState
from core.waitlist.model import Wait
from core.waitlist.usecases import join_line, leave_line, take_offer
from workers.simulate.market import Stall
from workers.simulate.points import Step
from workers.simulate.scene import Scene

HOUR, DAY = 3600, 24 * 3600
BY_TEXT_SHARE = 0.6
LEAVES_SHARE = 0.05


class Waiting:
    """People in line.

    Args:
        scene: where they live.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._seen: set[tuple[UUID, object]] = set()

    def join(self, phone: str, wish: Wish) -> None:
        """Get in line, and sometimes out of it again."""
        scene = self._scene
        wait = scene.turn(Step.JOIN_LINE, lambda tx: join_line(tx, phone, wish))
        if wait is not None and scene.maybe(LEAVES_SHARE):
            scene.agenda.after(
                scene.chance.uniform(HOUR, 3 * DAY),
                lambda: scene.turn(Step.LEAVE_LINE, lambda tx: leave_line(tx, wait.id, phone)),
            )

    def read_offers(self) -> list[tuple[Wait, str]]:
        """Return the offers that are new, each with the phone that it was sent to."""
        query = (
            select(Wait, User.msisdn)
            .join(User, User.id == Wait.customer_id)
            .where(Wait.state == WaitState.OFFERED)
            .order_by(Wait.created_at, Wait.id)
        )
        rows = self._scene.look(lambda tx: [(row[0], row[1]) for row in tx.db.execute(query)])
        new = [row for row in rows if (row[0].id, row[0].offered_at) not in self._seen]
        self._seen.update((wait.id, wait.offered_at) for wait, _ in new)
        return new

    def answer(self, wait: Wait, phone: str, stall: Stall) -> None:
        """Say yes or no, on the menu or by SMS."""
        scene = self._scene
        yes = scene.maybe(0.8)
        if scene.maybe(BY_TEXT_SHARE):
            scene.text(phone, f"{'YES' if yes else 'NO'} {stall.number}")
        elif yes:
            scene.turn(Step.TAKE_OFFER, lambda tx: take_offer(tx, wait.id, phone))
        else:
            scene.turn(Step.LEAVE_LINE, lambda tx: leave_line(tx, wait.id, phone))

    def booked(self, wait_id: UUID) -> Booking | None:
        """Return what an answer has booked."""
        query = select(Booking).join(Wait, Wait.booking_id == Booking.id).where(Wait.id == wait_id)
        return self._scene.look(lambda tx: tx.db.scalar(query))
