"""What goes wrong at the providers for a while: refused credentials, an empty account, a unit."""

from channels.simulator.faults import Fault, FaultKind, Service
from workers.simulate.scene import Scene

DAY = 24 * 3600
PAYING_SHARE = 0.08
TAKING_BACK_SHARE = 0.15
REFUND_SHARE = 0.05
REGISTRAR_SHARE = 0.05
# Result codes of Safaricom: refused credentials, an empty account.
PAYING_CODES = ("2001", "1")
# Of a payment that is to be taken back: the paybill is empty, the operator lacks the role, or
# the request expires in the queue.
TAKING_BACK_CODES = ("1", "21", "1019")
# Of the tax authority: a field that is not right, a unit that it does not know, or is busy.
REGISTRAR_CODES = ("910", "901", "999")


class Mishaps:
    """Plans what answers go wrong at the providers beside those that get lost.

    Args:
        scene: where it happens.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def plan_day(self) -> None:
        """Plan today's."""
        chance = self._scene.chance
        if self._scene.maybe(PAYING_SHARE):
            self._later(Service.B2C, chance.choice(PAYING_CODES), chance.randint(1, 3))
        if self._scene.database.routes.taking_back and self._scene.maybe(TAKING_BACK_SHARE):
            self._later(Service.REVERSAL, chance.choice(TAKING_BACK_CODES), chance.randint(1, 3))
        if self._scene.maybe(REFUND_SHARE):
            # A card's bank will not have it: it was taken, and is given up a little later.
            self._later(Service.FLUTTERWAVE_REFUND, "failed", 1)
        if self._scene.maybe(REGISTRAR_SHARE):
            self._later(Service.ETIMS, chance.choice(REGISTRAR_CODES), 1)

    def _later(self, service: Service, code: str, times: int) -> None:
        scene = self._scene

        def happen() -> None:
            scene.tally[f"refused by {service}: {code}"] += times
            scene.world.faults.add(Fault(service, FaultKind.INSIDER_CODE, code, times=times))

        scene.agenda.after(scene.chance.uniform(0, DAY), happen)
