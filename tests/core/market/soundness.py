"""Every invariant in one statement, so that all of them can be asked after each step.

The statements are the live checker's own; only their values are written into them, so that
PostgreSQL plans the whole once. What is about lateness is left out: here a worker works when it
is its turn.
"""

from collections.abc import Iterator

from core.booking.lifecycle import CLAIMING, LIFECYCLE
from core.escrow import invariants as ledger
from core.invariants.run import CHECKS, FIRST_MOVES

LATE = frozenset(
    check.rule
    for check in CHECKS
    if any(moment in check.statement for moment in (":late", ":stuck", ":now"))
)
FINDINGS_MAX = 3


def _texts(values: list[str]) -> str:
    return "ARRAY[" + ", ".join(f"'{value}'" for value in values) + "]::text[]"


def _parts() -> Iterator[tuple[str, str]]:
    for name, statement in (
        (invariant, getattr(ledger, invariant.name)) for invariant in ledger.Invariant
    ):
        yield f"{name.value} {name.name.lower()}", statement
    for check in CHECKS:
        if check.rule not in LATE:
            yield f"{check.invariant.value} {check.rule}", check.statement


def one_statement() -> str:
    """Return the statement; it selects ``rule, subject, expected, actual`` of what is broken."""
    moves = [f"{event} {before} {after}" for event, before, after in LIFECYCLE.rows]
    values = {
        ":findings_max": str(FINDINGS_MAX),
        ":claiming": _texts(sorted(CLAIMING)),
        ":moves": _texts([*FIRST_MOVES, *moves]),
    }
    selects = []
    for rule, statement in _parts():
        for name, value in values.items():
            statement = statement.replace(name, value)  # noqa: PLW2901 -- grows in place.
        quoted = rule.replace("'", "''")
        selects.append(
            f"SELECT '{quoted}' AS rule, subject::text, expected::text, actual::text"
            f" FROM ({statement}) AS found"
        )
    return "\nUNION ALL\n".join(selects)
