"""Taking in a statement: all of it or nothing of it, once.

What it confirms is noted with each receipt, charges of our payments are posted, and everything
else becomes a case.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.booking.model import Booking
from core.db.tx import Tx
from core.escrow import ledger, postings
from core.limits import (
    STATEMENT_BATCH_MAX,
    STATEMENT_DIFFERENCES_MAX,
    STATEMENT_EARLY_SECONDS,
    STATEMENT_LATE_SECONDS,
)
from core.money import Money
from core.payments import receipts
from core.payments.model import Attempt, Direction, Receipt
from core.payments.paybill import typed_code
from core.payments.queries import receipt_numbered
from core.reconcile.differences import open_cases, was_shown
from core.reconcile.matcher import Entry, Fault, FaultKind, Matcher, Outcome
from core.reconcile.model import StatementMatch, StatementRow
from core.reconcile.places import CHARGE, OTHER_WAY, Accounts, is_shown, stands_there
from core.reconcile.statement import BadStatement, Line, LineKind, Reading, Statement

Progress = Callable[[int], None]
NOT_AHEAD = timedelta()
SIGN = {Direction.IN: 1, Direction.OUT: -1}


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a statement.

    Attributes:
        statement: what the file says of itself.
        again: this very file had been taken in before; nothing was done.
        matched: how many of our receipts it confirms, charges not counted.
        charges: how many charges of our payments it shows.
        charges_cents: what those came to.
        unexplained_cents: what moved by the statement and is none of the above.
        faults: the differences; empty when ``again``.
        differences: how many there are, or were.
        cases: the numbers of the cases that are new.
    """

    statement: Statement
    again: bool
    matched: int = 0
    charges: int = 0
    charges_cents: int = 0
    unexplained_cents: int = 0
    faults: list[Fault[UUID]] = field(default_factory=list)
    differences: int = 0
    cases: list[int] = field(default_factory=list)


def take(
    tx: Tx,
    reading: Reading,
    accounts: Accounts,
    *,
    dry_run: bool = False,
    ahead: timedelta = NOT_AHEAD,
    progress: Progress = lambda _lines: None,
) -> Taken:
    """Compare a statement with our receipts and keep what comes of it.

    Args:
        tx: the transaction; an error leaves nothing done once it is rolled back.
        reading: the file, read through.
        accounts: ours with its provider.
        dry_run: only tell; everything that was written is undone.
        ahead: how far a trial's clock has been moved; the provider's was not.
        progress: told how many lines were seen.

    Raises:
        BadStatement: ``other_account``, ``changed`` or ``too_many_differences``.
    """
    statement = reading.statement
    if statement.account not in accounts:
        raise BadStatement("other_account", found=statement.account, wanted=sorted(accounts))
    if statement.ends > tx.now:
        # A period that is not over is covered as far as its last line goes.
        reached = statement.last_at + timedelta(seconds=1)
        reading = replace(reading, statement=replace(statement, ends=reached))
    if not dry_run:
        return _take(tx, reading, accounts, ahead, progress)
    savepoint = tx.db.begin_nested()
    try:
        return _take(tx, reading, accounts, ahead, progress)
    finally:
        savepoint.rollback()


def _take(
    tx: Tx, reading: Reading, accounts: Accounts, ahead: timedelta, progress: Progress
) -> Taken:
    statement = reading.statement
    statement_id = _begin(tx, statement)
    if statement_id is None:
        return _earlier(tx, statement)
    late_seconds = STATEMENT_LATE_SECONDS + int(ahead.total_seconds())
    matcher: Matcher[UUID] = Matcher(
        statement.account, newest_first=statement.newest_first, late_seconds=late_seconds
    )
    seen = 0
    for batch in _batches(reading.source.lines()):
        ours = _ours(tx, statement, accounts, batch)
        for line in batch:
            matcher.see(line, next((ours[name] for name in _asked(line) if name in ours), None))
        _refuse_other_file(matcher.outcome)
        seen += len(batch)
        progress(seen)
    _keep_matches(tx, statement_id, matcher.outcome)
    # Some providers tell their charge with the payment: then it is matched here, not missed.
    charges, charges_cents = _post_charges(tx, statement_id, statement, matcher.outcome)
    outcome = matcher.finish(_unseen(tx, statement, accounts[statement.account]))
    _refuse_other_file(outcome)
    row = tx.db.get_one(StatementRow, statement_id)
    row.matched = len(outcome.matched) + charges
    row.matched_cents = sum(entry.amount_cents for entry, _ in outcome.matched) - charges_cents
    row.unexplained_cents = outcome.unexplained_cents
    row.differences = len(outcome.faults)
    tx.db.flush()
    return Taken(
        statement=statement,
        again=False,
        matched=len(outcome.matched),
        charges=charges,
        charges_cents=charges_cents,
        unexplained_cents=outcome.unexplained_cents,
        faults=outcome.faults,
        differences=len(outcome.faults),
        cases=open_cases(tx, statement, outcome.faults),
    )


def _begin(tx: Tx, statement: Statement) -> UUID | None:
    """Claim a file; None when it has been taken in. One that is being taken in is waited for."""
    return tx.db.scalar(
        insert(StatementRow)
        .values(
            id=tx.ids.uuid(),
            provider=statement.provider,
            account=statement.account,
            digest=statement.digest,
            begins=statement.begins,
            ends=statement.ends,
            lines=statement.lines,
            opening_cents=statement.opening_cents,
            closing_cents=statement.closing_cents,
            matched=0,
            matched_cents=0,
            unexplained_cents=0,
            differences=0,
            taken_at=tx.now,
        )
        .on_conflict_do_nothing(index_elements=["digest"])
        .returning(StatementRow.id)
    )


def _earlier(tx: Tx, statement: Statement) -> Taken:
    row = tx.db.scalars(select(StatementRow).where(StatementRow.digest == statement.digest)).one()
    return Taken(
        statement=statement,
        again=True,
        matched=row.matched,
        unexplained_cents=row.unexplained_cents,
        differences=row.differences,
    )


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while batch := list(itertools.islice(lines, STATEMENT_BATCH_MAX)):
        yield batch


def _asked(line: Line) -> tuple[str, ...]:
    """Return by what numbers a line's receipt, or the payment of a charge, may be known to us."""
    if line.kind is LineKind.CHARGE and line.linked:
        return (line.linked,)
    return (line.number, *line.names)


def _ours(
    tx: Tx, statement: Statement, accounts: Accounts, batch: list[Line]
) -> dict[str, Entry[UUID]]:
    """Return what we have for a batch of lines, by number."""
    asked = {name for line in batch for name in _asked(line)}
    rows = tx.db.scalars(
        select(Receipt).where(Receipt.provider == statement.provider, Receipt.number.in_(asked))
    )
    found = {row.number: _entry(row, accounts) for row in rows}
    strange = [
        line
        for line in batch
        if line.amount_cents > 0 and line.reference and not found.keys() & set(_asked(line))
    ]
    gone = [line for line in batch if line.kind is LineKind.REVERSAL and line.number not in found]
    found |= _named_by_payment(tx, statement, accounts, gone)
    return found | _named_now(tx, statement, accounts, strange)


def _named_now(
    tx: Tx, statement: Statement, accounts: Accounts, lines: list[Line]
) -> dict[str, Entry[UUID]]:
    """Name prompts that succeeded without telling their receipt: code and amount say which."""
    codes = {typed_code(line.reference): line for line in lines if line.kind is LineKind.PAYMENT}
    rows = tx.db.execute(
        select(Receipt, Booking.code)
        .join(Booking, Booking.id == Receipt.booking_id)
        .where(
            Receipt.provider == statement.provider,
            Receipt.number.startswith("attempt:"),
            Receipt.direction == Direction.IN,
            Booking.code.in_(codes),
        )
    ).all()
    named: dict[str, Entry[UUID]] = {}
    for receipt, code in rows:
        line = codes[code]
        if receipt.amount_cents == line.amount_cents and line.number not in named:
            receipt.number = line.number
            named[line.number] = _entry(receipt, accounts)
    tx.db.flush()
    return named


def _named_by_payment(
    tx: Tx, statement: Statement, accounts: Accounts, lines: list[Line]
) -> dict[str, Entry[UUID]]:
    """Name payments that were taken back without a word under what number that was."""
    by_payment = {line.linked: line for line in lines if line.linked}
    rows = tx.db.execute(
        select(Receipt, Attempt.takes_back)
        .join(Attempt, Attempt.id == Receipt.attempt_id)
        .where(
            Receipt.provider == statement.provider,
            Receipt.number.startswith("attempt:"),
            Attempt.takes_back.in_(by_payment),
        )
    ).all()
    named: dict[str, Entry[UUID]] = {}
    for receipt, payment in rows:
        assert payment is not None, "it is one of those asked for"
        receipt.number = by_payment[payment].number
        named[receipt.number] = _entry(receipt, accounts)
    tx.db.flush()
    return named


def _entry(receipt: Receipt, accounts: Accounts) -> Entry[UUID]:
    way = OTHER_WAY.get(receipt.account or "", receipt.direction)
    account = next((name for name, ways in accounts.items() if way in ways), "")
    amount_cents = SIGN[receipt.direction] * receipt.amount_cents
    return Entry(receipt.id, receipt.number, account, amount_cents, receipt.at)


def _keep_matches(tx: Tx, statement_id: UUID, outcome: Outcome[UUID]) -> None:
    matches = (
        {"receipt_id": entry.key, "statement_id": statement_id, "line": line.place}
        for entry, line in outcome.matched
    )
    while batch := list(itertools.islice(matches, STATEMENT_BATCH_MAX)):
        tx.db.execute(insert(StatementMatch), batch)


def _unseen(tx: Tx, statement: Statement, ways: Collection[Direction]) -> Iterable[Entry[UUID]]:
    """Return our receipts of the period that no statement shows, this one among them.

    Close to the end of the period a clock that is off decides: those wait for the next statement.
    """
    margin = timedelta(seconds=STATEMENT_EARLY_SECONDS)
    left_by_last = margin if _follows(tx, statement) else timedelta()
    rows = tx.db.scalars(
        select(Receipt)
        .where(
            Receipt.provider == statement.provider,
            stands_there(ways),
            Receipt.at >= statement.begins - left_by_last,
            Receipt.at < statement.ends - margin,
            ~is_shown(),
            ~was_shown(statement),
        )
        .order_by(Receipt.at)
        .limit(STATEMENT_DIFFERENCES_MAX * 2)
    )
    accounts = {statement.account: ways}
    return [_entry(row, accounts) for row in rows]


def _follows(tx: Tx, statement: Statement) -> bool:
    """Tell whether the statement before this one has been taken in."""
    before = select(StatementRow.id).where(
        StatementRow.provider == statement.provider,
        StatementRow.account == statement.account,
        StatementRow.ends == statement.begins,
    )
    return tx.db.scalar(before.limit(1)) is not None


def _refuse_other_file(outcome: Outcome[UUID]) -> None:
    if len(outcome.faults) > STATEMENT_DIFFERENCES_MAX:
        raise BadStatement("too_many_differences", most=STATEMENT_DIFFERENCES_MAX)


def _post_charges(
    tx: Tx, statement_id: UUID, statement: Statement, outcome: Outcome[UUID]
) -> tuple[int, int]:
    """Post what the provider took for our payments, each once.

    A charge that another statement has shown with another amount becomes a difference.

    Returns:
        how many charges there are, and how many cents they come to.
    """
    count = total_cents = 0
    for line in outcome.charges:
        cents = -line.amount_cents
        number = f"{CHARGE}{line.linked or line.number}"
        receipt = receipts.keep(tx, statement.provider, number, Direction.OUT, Money(cents))
        if receipt is not None:
            ledger.post(tx, postings.charged(statement.provider, Money(cents), reference=number))
        else:
            receipt = receipt_numbered(tx, statement.provider, number)
            assert receipt is not None, "kept now or before"
            if receipt.amount_cents != cents:
                outcome.unexplained_cents += line.amount_cents
                ours_cents = -receipt.amount_cents
                outcome.faults.append(
                    Fault(
                        FaultKind.CHARGE, line.number, line.place, ours_cents,
                        line.amount_cents, line.at, line.linked,
                    )
                )  # fmt: skip
                continue
        tx.db.add(
            StatementMatch(receipt_id=receipt.id, statement_id=statement_id, line=line.place)
        )
        count += 1
        total_cents += cents
    tx.db.flush()
    return count, total_cents
