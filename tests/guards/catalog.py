"""All guards, and the page that lists them."""

from itertools import groupby

from tests.guards import (
    admins,
    booking_locks,
    bookings,
    cases,
    change_locks,
    counting,
    customer,
    delivery,
    documents,
    giving_locks,
    ledger,
    listings,
    money_locks,
    paper_locks,
    payments,
    payout_locks,
    payouts,
    people,
    photos,
    references,
    return_locks,
    rows,
    vendors,
    word_locks,
    worker_locks,
)
from tests.guards.guard import Guard, Kind
from tests.support.servers import ROOT

ALONE = (
    *ledger.GUARDS,
    *bookings.GUARDS,
    *payments.GUARDS,
    *payouts.GUARDS,
    *documents.GUARDS,
    *delivery.GUARDS,
    *customer.ALONE,
    *admins.ALONE,
    *rows.GUARDS,
    *listings.GUARDS,
    *photos.ALONE,
    *cases.GUARDS,
    *people.GUARDS,
    *counting.ALONE,
    *references.GUARDS,
)
"""Those that one caller can run into."""
MEETING = (
    *booking_locks.GUARDS,
    *change_locks.GUARDS,
    *giving_locks.GUARDS,
    *money_locks.GUARDS,
    *paper_locks.GUARDS,
    *payout_locks.GUARDS,
    *return_locks.GUARDS,
    *word_locks.GUARDS,
    *worker_locks.GUARDS,
    *vendors.GUARDS,
    *customer.MEETING,
    *admins.MEETING,
    *photos.MEETING,
    *counting.MEETING,
)
"""Those that it takes two callers to need."""
PAGE = ROOT / "docs" / "generated" / "guards.md"

_HEAD = """# Guards

Written from `tests/guards` by `python -m tests.guards`; a test says when this page is stale.
Each of the {count} guards is taken away alone and its story must then fail:
`pytest tests/guards -m ""`, and in each `make check`; `make test` plays every tenth.
Locks are shown by two callers who meet at the worst moment (`tests/support/races.py`).
"""
_TITLES = {
    Kind.CONSTRAINT: "Constraints",
    Kind.UNIQUE: "Unique keys",
    Kind.FOREIGN: "Foreign keys",
    Kind.TRIGGER: "Triggers",
    Kind.FUNCTION: "Inside the ledger's functions",
    Kind.CHECK: "Checks in the code",
    Kind.LOCK: "Locks",
}


def page() -> str:
    """Return the page: a table of each kind."""
    order = list(_TITLES)
    guards = sorted((*ALONE, *MEETING), key=lambda guard: order.index(guard.removal.kind))
    parts = [_HEAD.format(count=len(guards))]
    for kind, members in groupby(guards, key=lambda guard: guard.removal.kind):
        rows = [f"| {_named(guard)} | {guard.harm} |" for guard in members]
        table = "\n".join(("| Guard | Without it |", "| --- | --- |", *rows))
        parts.append(f"## {_TITLES[kind]}\n\n{table}\n")
    return "\n".join(parts)


def _named(guard: Guard) -> str:
    """A guard of the database by its own name, one of the code in words."""
    in_words = guard.removal.kind in {Kind.CHECK, Kind.LOCK, Kind.FUNCTION}
    return guard.removal.name if in_words else f"`{guard.removal.name}`"
