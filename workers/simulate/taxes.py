"""The office pays over each month's VAT and what was withheld: whole or in parts, late, twice."""

from functools import partial

from core.clock import nairobi_date
from core.documents.month import Month
from core.documents.remittances import pay_over, unpaid
from core.documents.taxes import Tax
from core.money import Money
from workers.simulate.points import Step
from workers.simulate.scene import Scene

HOUR, DAY = 3600, 24 * 3600
PAY_DAY = 6
IN_PARTS_SHARE = 0.3
# Nobody remembers whether it was booked, and books it once more.
TWICE_SHARE = 0.3
LATE_DAYS_MAX = 16


class Taxes:
    """Whoever pays the tax authority.

    Args:
        scene: where they work.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._slips = 0

    def plan_day(self) -> None:
        """Plan the month's payment, which may be late."""
        scene = self._scene
        if nairobi_date(scene.now).day == PAY_DAY:
            late = scene.chance.uniform(0, LATE_DAYS_MAX) * DAY if scene.maybe(0.3) else 0
            scene.agenda.after(late + scene.chance.uniform(9 * HOUR, 16 * HOUR), self.pay)

    def pay(self) -> None:
        """Pay what is owed for the months that are over."""
        scene = self._scene
        this_month = Month(nairobi_date(scene.now).replace(day=1))
        for tax in Tax:
            for month, cents in scene.look(partial(unpaid, tax=tax)).items():
                if month != str(this_month):
                    self._pay(tax, Month.parse(month), cents)

    def _pay(self, tax: Tax, month: Month, cents: int) -> None:
        first = cents // 3 if self._scene.maybe(IN_PARTS_SHARE) else 0
        for part in (first, cents - first):
            if part:
                self._slips += 1
                self._book(tax, month, part, f"PRN{self._slips:06}")

    def _book(self, tax: Tax, month: Month, cents: int, slip: str, *, again: bool = False) -> None:
        scene = self._scene
        scene.turn(
            Step.ADMIN_TAX,
            lambda tx: pay_over(tx, tax, month, Money(cents), slip),
            again=lambda: self._book(tax, month, cents, slip, again=again),
        )
        if not again and scene.maybe(TWICE_SHARE):
            wait = scene.chance.uniform(HOUR, DAY)
            scene.agenda.after(wait, lambda: self._book(tax, month, cents, slip, again=True))
