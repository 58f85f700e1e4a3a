"""Rolling up the postings of shared accounts into their balances."""

from core.escrow import ledger
from workers.budget import Budget
from workers.parts import Parts

RUN_SECONDS = 20


def run_ledger(parts: Parts) -> int:
    """Roll up what waits; return how many postings there were."""
    budget = Budget(RUN_SECONDS)
    rolled = 0
    while not budget.spent:
        now_rolled = parts.database.run(ledger.roll_up)
        rolled += now_rolled
        if now_rolled < ledger.ROLL_UP_MAX:
            break
    return rolled
