"""Guards of documents: every movement has one, its number is its own, and it stays as it was.

Of taxes and statements, too: each payment and each file counts once.
"""

from sqlalchemy import select

from core.booking import cancel
from core.documents.model import Document
from core.documents.month import Month
from core.documents.remittances import TaxPayment, pay_over
from core.documents.taxes import Tax
from core.documents.usecases import Seller, issue_due
from core.money import kes
from tests.core.booking.world import World
from tests.core.payouts.steps import send
from tests.guards.guard import (
    Guard,
    as_it_is,
    by_hand,
    constraint,
    copy_row,
    count,
    foreign,
    never,
    outcome,
    trigger,
    unique,
)

RECEIPTS = "SELECT count(*) FROM documents"
STATEMENT = (
    "INSERT INTO statements (id, provider, account, digest, begins, ends, lines, opening_cents,"
    " matched, matched_cents, unexplained_cents, differences, taken_at) VALUES"
    " (gen_random_uuid(), 'daraja', '600123', 'a file', {begins}, now(), {lines}, {opening},"
    " 0, 0, 0, 0, now())"
)
"""As of a file that says neither what the account began with nor what it ended with."""
A_DAY = {"begins": "now() - interval '1 day'", "lines": 1, "opening": "NULL"}
MATCHED = (
    "INSERT INTO statement_matches"
    " SELECT receipts.id, statements.id, {line} FROM receipts, statements"
)


def _issue(world: World) -> None:
    world.run(lambda tx: issue_due(tx, Seller()))


def _issued(world: World) -> None:
    world.confirmed()
    _issue(world)


def _owed(world: World) -> None:
    world.confirmed()

    _issue(world)

    assert count(world, RECEIPTS) == 1


def _rewritten(world: World) -> None:
    _issued(world)

    by_hand(world, "UPDATE documents SET content = '{}'")

    assert count(world, "SELECT count(*) FROM documents WHERE content = '{}'") == 0


def _once(world: World) -> None:
    """Whoever has the note that a document is owed back from a backup."""
    _issued(world)
    by_hand(world, "INSERT INTO documents_due SELECT transfer_id FROM documents")

    outcome(lambda: _issue(world))

    assert count(world, RECEIPTS) == 1


def _same_number(world: World) -> None:
    """Whoever has the numbers back from a backup."""
    _issued(world)
    by_hand(world, "DELETE FROM document_series WHERE name = 'receipt'")
    world.confirmed("SFF6XYQ2CD", in_days=20)

    outcome(lambda: _issue(world))

    assert count(world, "SELECT count(*) FROM documents WHERE number = 1") == 1


def _lines_add_up(world: World) -> None:
    _issued(world)

    by_hand(world, _copied(base="base_cents + 1"))

    assert count(world, RECEIPTS) == 1


def _told_once(world: World) -> None:
    _issued(world)

    by_hand(
        world,
        "INSERT INTO tax_invoices (number, document_id, state, due_at, tries)"
        " SELECT number + 1, document_id, state, due_at, tries FROM tax_invoices",
    )

    assert count(world, "SELECT count(*) FROM tax_invoices") == 1


def _taken_once(world: World) -> None:
    for _ in range(2):
        by_hand(world, STATEMENT.format(**A_DAY))

    assert count(world, "SELECT count(*) FROM statements") == 1


def _two_issued(world: World) -> None:
    world.confirmed()
    world.confirmed("SFF6XYQ2CD", in_days=20)
    _issue(world)


def _credited(world: World) -> None:
    """A receipt and its credit note."""
    booking = world.confirmed()
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    world.paid(send(world).attempt_id, "SFG1")
    _issue(world)


def _one_credit_note(world: World) -> None:
    _credited(world)
    query = select(Document).where(Document.refund_id.is_not(None))
    note = world.run(lambda tx: tx.db.scalars(query).one())
    other = {"transfer_id": str(note.id), "number": 2, "verify_token": "v", "download_token": "d"}

    copy_row(world, "documents", note.id, **other)

    assert count(world, "SELECT count(*) FROM documents WHERE refund_id IS NOT NULL") == 1


def _copied(**other: object) -> str:
    """Write a receipt once more, as another one."""
    values = {
        "kind": "kind",
        "number": 7,
        "original": "NULL",
        "base": "base_cents",
        "vat": "vat_cents",
        "verify": "'a'",
        "download": "'b'",
    } | other
    return (
        "INSERT INTO documents SELECT gen_random_uuid(), {kind}, year, {number}, booking_id,"
        " gen_random_uuid(), NULL, {original}, {base}, service_fee_cents, {vat}, rounding_cents,"
        " total_cents, content, {verify}, {download}, moved_at, issued_at FROM documents"
    ).format(**values)


def _tax_paid(world: World) -> TaxPayment:
    world.released()
    month = Month.of(world.clock.now())
    paid, _ = world.run(lambda tx: pay_over(tx, Tax.VAT, month, kes(100), "FT26-0098"))
    return paid


def _one_slip(world: World) -> None:
    copy_row(world, "tax_payments", _tax_paid(world).id)

    assert count(world, "SELECT count(*) FROM tax_payments") == 1


def _confirmed_by_a_statement(world: World) -> None:
    world.confirmed()
    by_hand(world, STATEMENT.format(**A_DAY), MATCHED.format(line=1))


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
    Guard(
        "a refund has two credit notes",
        unique("documents", "uq_documents_refund_id"),
        _one_credit_note,
    ),
    never(
        "a credit note takes back no receipt",
        constraint("documents", "ck_documents_credit_note"),
        _issued,
        _copied(kind="'credit_note'"),
        "documents WHERE kind = 'credit_note' AND original_id IS NULL",
    ),
    never(
        "tax is paid over below nothing",
        constraint("tax_payments", "ck_tax_payments_amount"),
        _tax_paid,
        "UPDATE tax_payments SET amount_cents = -amount_cents",
        "tax_payments WHERE amount_cents <= 0",
    ),
    never(
        "a payment of tax belongs to a day and is counted in no month",
        constraint("tax_payments", "ck_tax_payments_month"),
        _tax_paid,
        "UPDATE tax_payments SET month = month + 3",
        "tax_payments WHERE extract(day FROM month) <> 1",
    ),
    never(
        "a receipt shows tax below nothing",
        constraint("documents", "ck_documents_positive"),
        _issued,
        _copied(base="base_cents + vat_cents + 100", vat="-100"),
        "documents WHERE vat_cents < 0",
    ),
    never(
        "a receipt has no number",
        constraint("documents", "ck_documents_number"),
        _issued,
        _copied(number=0),
        "documents WHERE number = 0",
    ),
    never(
        "one address says of two receipts that they are ours",
        unique("documents", "uq_documents_verify_token"),
        _issued,
        _copied(verify="verify_token"),
        "(SELECT FROM documents GROUP BY verify_token HAVING count(*) > 1) AS twice",
    ),
    never(
        "who opens their receipt reads somebody else's",
        unique("documents", "uq_documents_download_token"),
        _issued,
        _copied(download="download_token"),
        "(SELECT FROM documents GROUP BY download_token HAVING count(*) > 1) AS twice",
    ),
    never(
        "a credit note takes back a receipt that is not there",
        foreign("documents", "fk_documents_original_id_documents"),
        _issued,
        _copied(kind="'credit_note'", original="gen_random_uuid()"),
        "documents WHERE original_id NOT IN (SELECT id FROM documents)",
    ),
    never(
        "numbers are counted in two places, and given out twice",
        unique("document_series", "pk_document_series"),
        as_it_is,
        "INSERT INTO document_series SELECT 'receipt', 2026, 0 FROM generate_series(1, 2)",
        "(SELECT FROM document_series GROUP BY name, year HAVING count(*) > 1) AS twice",
    ),
    never(
        "a receipt is owed twice, and whoever issues it fails at that for ever",
        unique("documents_due", "pk_documents_due"),
        as_it_is,
        "INSERT INTO documents_due SELECT id FROM listings, generate_series(1, 2)",
        "(SELECT FROM documents_due GROUP BY transfer_id HAVING count(*) > 1) AS twice",
    ),
    never(
        "the tax authority is told of two documents under one number",
        unique("tax_invoices", "pk_tax_invoices"),
        _two_issued,
        "UPDATE tax_invoices SET number = 1",
        "(SELECT FROM tax_invoices GROUP BY number HAVING count(*) > 1) AS twice",
    ),
    never(
        "the tax authority is told of a document that nobody has",
        foreign("tax_invoices", "fk_tax_invoices_document_id_documents"),
        _issued,
        "UPDATE tax_invoices SET document_id = gen_random_uuid()",
        "tax_invoices WHERE document_id NOT IN (SELECT id FROM documents)",
    ),
    Guard(
        "one slip pays a month's tax twice",
        unique("tax_payments", "uq_tax_payments_provider_reference"),
        _one_slip,
    ),
    never(
        "an empty file counts as a statement, and its days as looked through",
        constraint("statements", "ck_statements_lines"),
        as_it_is,
        STATEMENT.format(**A_DAY | {"lines": 0}),
        "statements WHERE lines = 0",
    ),
    never(
        "a statement covers no time",
        constraint("statements", "ck_statements_period"),
        as_it_is,
        STATEMENT.format(**A_DAY | {"begins": "now()"}),
        "statements WHERE begins >= ends",
    ),
    never(
        "a statement says what it began with and not what it ended with: nobody can check it",
        constraint("statements", "ck_statements_both_balances"),
        as_it_is,
        STATEMENT.format(**A_DAY | {"opening": 100}),
        "statements WHERE opening_cents IS NOT NULL AND closing_cents IS NULL",
    ),
    never(
        "one statement confirms a receipt by two of its lines",
        unique("statement_matches", "pk_statement_matches"),
        _confirmed_by_a_statement,
        MATCHED.format(line=2),
        "(SELECT FROM statement_matches GROUP BY receipt_id HAVING count(*) > 1) AS twice",
    ),
    never(
        "a statement confirms a receipt that is not there",
        foreign("statement_matches", "fk_statement_matches_receipt_id_receipts"),
        _confirmed_by_a_statement,
        "UPDATE statement_matches SET receipt_id = gen_random_uuid()",
        "statement_matches WHERE receipt_id NOT IN (SELECT id FROM receipts)",
    ),
)
