"""Rolling up the postings of shared accounts into their balances."""

from core.escrow import ledger
from workers.budget import Budget
from workers.parts import Parts

RUN_SECONDS = 20


def run_ledger(parts: Parts) -> int:
    """Roll up what waits; return how many numbers of postings that went on by."""
    budget = Budget(RUN_SECONDS)
    passed = 0
    while not budget.spent:
        now_passed = parts.database.run(ledger.roll_up)
        passed += now_passed
        if now_passed < ledger.ROLL_UP_MAX:
            break
    return passed
