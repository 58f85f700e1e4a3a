"""Finding what a person must decide in what is stored, and noticing when it is settled.

Cases are found by looking, not by telling: whoever gave something up does not know of cases, and
nothing is lost when a worker dies in between.
"""

from datetime import timedelta

from sqlalchemy import text

from core.cases.model import CaseKind
from core.cases.rules import RULES, Rule
from core.cases.usecases import close_settled, open_case
from core.db.tx import Tx
from core.limits import (
    ATTEMPT_UNKNOWN_SECONDS,
    CARD_REFUND_UNKNOWN_SECONDS,
    CASES_BATCH_MAX,
    NOTICE_UNKNOWN_SECONDS,
    PENALTIES_REVIEWED_MIN,
)
from core.people.penalties import counted_since

SETTLED_NOTE = "Settled in the meantime; closed by itself."


def _settled(rule: Rule) -> str:
    """Return a query for the open cases of a rule that are settled."""
    return f"""(
        WITH open AS (
            SELECT subject, facts, opened_at FROM cases
            WHERE kind = '{rule.kind.value}' AND state = 'open'
        )
        SELECT '{rule.kind.value}' AS kind, subject
        FROM ({rule.settled}) AS settled LIMIT :batch_max
    )"""  # noqa: S608 -- put together from our own words.


def _found(rule: Rule) -> str:
    """Return a query for what should be a case of a rule and is none.

    What has been one before is none again, unless the rule says that what was settled may be.
    """
    closed = " AND coalesce(note, '') <> :settled_note" if rule.again else ""
    return f"""(
        SELECT '{rule.kind.value}' AS kind, subject, amount_cents, facts
        FROM ({rule.found}) AS found
        WHERE NOT EXISTS (
            SELECT 1 FROM cases
            WHERE kind = '{rule.kind.value}' AND cases.subject = found.subject{closed}
        )
        ORDER BY subject LIMIT :batch_max
    )"""  # noqa: S608 -- put together from our own words.


# Each round is two statements, however many rules there are.
_SETTLED = text(" UNION ALL ".join(_settled(rule) for rule in RULES if rule.settled))
_AGAIN = frozenset(rule.kind.value for rule in RULES if rule.again)
_FOUND = text(" UNION ALL ".join(_found(rule) for rule in RULES if rule.found))


def sweep(tx: Tx) -> list[int]:
    """Close what is settled, then open what is new; ``CASES_BATCH_MAX`` of each rule at most.

    Returns:
        the numbers of the new cases.
    """
    values = {
        "batch_max": CASES_BATCH_MAX,
        "settled_note": SETTLED_NOTE,
        "notice_before": tx.now - timedelta(seconds=NOTICE_UNKNOWN_SECONDS),
        "unknown_before": tx.now - timedelta(seconds=ATTEMPT_UNKNOWN_SECONDS),
        "card_before": tx.now - timedelta(seconds=CARD_REFUND_UNKNOWN_SECONDS),
        "penalties_since": counted_since(tx.now),
        "penalties_min": PENALTIES_REVIEWED_MIN,
    }
    for row in tx.db.execute(_SETTLED, values).all():
        close_settled(tx, CaseKind(row.kind), row.subject, SETTLED_NOTE)
    opened = [
        open_case(
            tx,
            CaseKind(row.kind),
            row.subject,
            amount_cents=row.amount_cents,
            facts=row.facts,
            again=row.kind in _AGAIN,
        )
        for row in tx.db.execute(_FOUND, values).all()
    ]
    return [number for number in opened if number is not None]
