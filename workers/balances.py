"""Asking providers what they hold for us, outside any transaction like everything else."""

from functools import partial
from uuid import UUID

import structlog

from core.db.tx import Tx
from core.payouts.balances import BalanceReading, answered, begin_round, unanswered
from core.payouts.halts import halt_on_stop
from core.ports.money import Balance
from core.ports.providers import ProviderError
from core.reconcile.balance import compare
from workers.parts import Parts

log = structlog.get_logger()


def run_balances(parts: Parts) -> int:
    """Ask about every account where it is time; return how many questions were taken."""
    asked = 0
    for provider, gateway in parts.payouts.items():
        plan = partial(begin_round, provider=provider, accounts=gateway.accounts)
        for reading in parts.database.run(plan):
            asked += _ask(parts, provider, reading)
    return asked


def _ask(parts: Parts, provider: str, reading: BalanceReading) -> bool:
    try:
        balance = parts.payouts[provider].ask_balance(reading.id, reading.account)
    except ProviderError as error:
        refused = error
        parts.database.run(lambda tx: note_refusal(tx, reading.id, refused))
        return False
    if balance is not None:
        parts.database.run(lambda tx: note_answer(tx, reading.id, balance))
    return True


def note_answer(tx: Tx, reading_id: UUID, balance: Balance) -> str | None:
    """Keep an answer and set it beside the books; a note when nobody had asked."""
    reading = answered(tx, reading_id, balance)
    if reading is None:
        return "repeat"
    number = compare(tx, reading)
    log.info(
        "balance.answered",
        provider=reading.provider,
        available_cents=reading.available_cents,
        gap_cents=reading.gap_cents,
        difference_cents=reading.difference_cents,
        case=number,
    )
    return None


def note_refusal(tx: Tx, reading_id: UUID, error: ProviderError) -> None:
    """Note that a question was refused.

    Credentials that the paying account refuses would be refused for payouts too; that they are
    not good for another account says nothing about payouts.
    """
    reading = tx.db.get(BalanceReading, reading_id)
    unanswered(tx, reading_id, error.code)
    log.warning("balance.refused", code=error.code, **error.data)
    if reading is not None and reading.pays and error.stop:
        halt_on_stop(tx, reading.provider, error)
