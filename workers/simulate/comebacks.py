"""Money that went out and comes back: by M-Pesa, by a bank, and what people do about it."""

from datetime import timedelta
from functools import partial
from itertools import islice

from channels.simulator.daraja_b2c import take_back
from channels.simulator.flutterwave_transfers import return_transfer
from core.cases.model import Case
from core.payments.looked_up import book_reversal
from core.reconcile.matcher import FaultKind
from workers.simulate.points import Step
from workers.simulate.scene import Scene

HOUR, DAY = 3600, 24 * 3600
DARAJA = "daraja"
BY_MPESA_SHARE = 0.12
BY_BANK_SHARE = 0.12
# Of the newest payments: nobody returns what is long spent.
NEWEST = 12
# An export of the month, or of the one before, shows it.
BANK_WITHIN = timedelta(days=20)
SEEN_SHARE = 0.8
TRIES_MAX = 4


class Comebacks:
    """Payments out that their receivers do not keep.

    Args:
        scene: where they happen.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def plan_day(self) -> None:
        """Plan today's."""
        scene = self._scene
        if scene.maybe(BY_MPESA_SHARE):
            scene.agenda.after(scene.chance.uniform(0, DAY), self._by_mpesa)
        if scene.maybe(BY_BANK_SHARE):
            scene.agenda.after(scene.chance.uniform(0, DAY), self._by_bank)

    def _by_mpesa(self) -> None:
        """Safaricom reverses a payment, whether we know yet that it arrived or not.

        Nobody is told: somebody sees it on the portal in the days that follow, or a statement
        shows it.
        """
        scene = self._scene
        sent = scene.world.books.payouts
        newest = [
            name
            for name, payout in islice(reversed(sent.items()), NEWEST)
            if payout.status == "Completed"
        ]
        if not newest:
            return
        chosen = scene.chance.choice(newest)
        receipt, number = sent[chosen].receipt, take_back(scene.world, chosen)
        assert receipt is not None, "it was completed"
        scene.tally["reversed by M-Pesa"] += 1
        if scene.maybe(SEEN_SHARE):
            wait = scene.chance.uniform(HOUR, 72 * HOUR)
            scene.agenda.after(wait, lambda: self.book(receipt, number))

    def _by_bank(self) -> None:
        """A bank sends a transfer back; the provider tells us, as far as its webhooks arrive."""
        scene = self._scene
        newest = [
            name
            for name, sent in islice(reversed(scene.world.books.transfers.items()), NEWEST)
            if sent.status == "SUCCESSFUL" and sent.at > scene.now - BANK_WITHIN
        ]
        if newest:
            chosen = scene.chance.choice(newest)
            scene.loop.run_until_complete(return_transfer(scene.world, chosen))
            scene.tally["returned by a bank"] += 1

    def book(self, receipt: str, number: str, tries: int = 1, provider: str = DARAJA) -> None:
        """Book a return; later when we do not know yet that the payment had arrived."""
        scene = self._scene
        booking = partial(book_reversal, provider=provider, receipt=receipt, number=number)

        def again() -> None:
            self.book(receipt, number, tries + 1, provider)

        if scene.turn(Step.ADMIN_REVERSAL, booking, again=again) is None and tries < TRIES_MAX:
            scene.agenda.after(scene.chance.uniform(HOUR, 2 * DAY), again)

    def shown(self, case: Case) -> None:
        """Book a return that only a statement has shown."""
        facts = case.facts
        if facts["fault"] == FaultKind.REVERSED and facts["theirs_cents"] > 0:
            self.book(facts["other"], facts["number"], provider=facts["provider"])
