"""What the stories of Daraja on its simulator do again and again."""

from uuid import UUID

from channels.daraja.b2c import DarajaPayouts
from channels.daraja.callbacks import load, parse_stk
from channels.daraja.stk import DarajaCollections
from core.money import kes
from core.ports.money import MoneyEvent, PayRequest, PushRequest
from tests.channels.simulator.rig import PHONE, Simulator

READ_SECONDS = 1.0


def push(collections: DarajaCollections, attempt_id: UUID) -> str:
    return collections.push(PushRequest(attempt_id, PHONE, kes(1_500), "K7P4Q")).reference


def told_of_push(simulator: Simulator, attempt_id: UUID, count: int = 1) -> MoneyEvent:
    heard = simulator.ours.wait(f"/hooks/daraja/0f1e2d3c/stk/{attempt_id}", count)
    return parse_stk(attempt_id, load(heard[-1].body))


def pay(payouts: DarajaPayouts, attempt_id: UUID) -> str:
    return payouts.pay(PayRequest(attempt_id, PHONE, kes(1_350), "K7P4Q")).reference
