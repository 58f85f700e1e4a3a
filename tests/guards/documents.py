"""Guards of documents: every movement has one, its number is its own, and it stays as it was.

Of a statement, too: it is taken in once.
"""

from core.documents.usecases import Seller, issue_due
from tests.core.booking.world import World
from tests.guards.guard import Guard, by_hand, constraint, count, outcome, trigger, unique

RECEIPTS = "SELECT count(*) FROM documents"


def _issue(world: World) -> None:
    world.run(lambda tx: issue_due(tx, Seller()))


def _owed(world: World) -> None:
    world.confirmed()

    _issue(world)

    assert count(world, RECEIPTS) == 1


def _rewritten(world: World) -> None:
    world.confirmed()
    _issue(world)

    by_hand(world, "UPDATE documents SET content = '{}'")

    assert count(world, "SELECT count(*) FROM documents WHERE content = '{}'") == 0


def _once(world: World) -> None:
    """Whoever has the note that a document is owed back from a backup."""
    world.confirmed()
    _issue(world)
    by_hand(world, "INSERT INTO documents_due SELECT transfer_id FROM documents")

    outcome(lambda: _issue(world))

    assert count(world, RECEIPTS) == 1


def _same_number(world: World) -> None:
    """Whoever has the numbers back from a backup."""
    world.confirmed()
    _issue(world)
    by_hand(world, "DELETE FROM document_series WHERE name = 'receipt'")
    world.confirmed("SFF6XYQ2CD", in_days=20)

    outcome(lambda: _issue(world))

    assert count(world, "SELECT count(*) FROM documents WHERE number = 1") == 1


def _lines_add_up(world: World) -> None:
    world.confirmed()
    _issue(world)
    copy = (
        "INSERT INTO documents SELECT gen_random_uuid(), kind, year, 7, booking_id,"
        " gen_random_uuid(), NULL, NULL, base_cents + 1, service_fee_cents, vat_cents,"
        " rounding_cents, total_cents, content, 'a', 'b', moved_at, issued_at FROM documents"
    )

    by_hand(world, copy)

    assert count(world, RECEIPTS) == 1


def _told_once(world: World) -> None:
    world.confirmed()
    _issue(world)

    by_hand(
        world,
        "INSERT INTO tax_invoices (number, document_id, state, due_at, tries)"
        " SELECT number + 1, document_id, state, due_at, tries FROM tax_invoices",
    )

    assert count(world, "SELECT count(*) FROM tax_invoices") == 1


def _taken_once(world: World) -> None:
    statement = (
        "INSERT INTO statements (id, provider, account, digest, begins, ends, lines, matched,"
        " matched_cents, unexplained_cents, differences, taken_at) VALUES (gen_random_uuid(),"
        " 'daraja', '600123', 'a file', now() - interval '1 day', now(), 1, 0, 0, 0, 0, now())"
    )
    for _ in range(2):
        by_hand(world, statement)

    assert count(world, "SELECT count(*) FROM statements") == 1


GUARDS = (
    Guard("a payment has no receipt", trigger("ledger_transfers", "owe_document"), _owed),
    Guard("what was issued is rewritten", trigger("documents", "append_only"), _rewritten),
    Guard("a payment has two receipts", unique("documents", "uq_documents_transfer_id"), _once),
    Guard(
        "two receipts have one number",
        unique("documents", "uq_documents_kind_year_number"),
        _same_number,
    ),
    Guard(
        "a receipt's lines are not its total",
        constraint("documents", "ck_documents_total"),
        _lines_add_up,
    ),
    Guard(
        "the tax authority is told of one document twice",
        unique("tax_invoices", "uq_tax_invoices_document_id"),
        _told_once,
    ),
    Guard(
        "one statement is taken in twice",
        unique("statements", "uq_statements_digest"),
        _taken_once,
    ),
)
