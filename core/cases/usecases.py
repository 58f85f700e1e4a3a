"""Opening, giving and closing cases."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from core.cases.model import Case, CaseKind, CaseState
from core.db.tx import Tx
from core.emails import is_email
from core.errors import BadInput, NotFound, Refused
from core.limits import CASE_NOTE_MAX

ABOUT_SUSPENSE = frozenset({CaseKind.SUSPENSE, CaseKind.RETURN_FAILED, CaseKind.CAME_BACK})


def open_case(
    tx: Tx,
    kind: CaseKind,
    subject: str,
    *,
    amount_cents: int | None = None,
    facts: Mapping[str, Any] | None = None,
    again: bool = False,
) -> int | None:
    """Open a case, unless one of the same kind and subject is open.

    Args:
        tx: the transaction.
        kind: what has to be decided.
        subject: of what; with the kind it makes the case itself.
        amount_cents: the money in question.
        facts: what is known. No numbers of people.
        again: also when such a case was closed before. Not for what a person has decided and
            what stays as it is.

    Returns:
        the new case's number, None when there is nothing new.
    """
    if not again and tx.db.scalar(
        select(Case.id).where(Case.kind == kind, Case.subject == subject).limit(1)
    ):
        return None
    return tx.db.scalar(
        insert(Case)
        .values(
            id=tx.ids.uuid(),
            kind=kind,
            subject=subject,
            state=CaseState.OPEN,
            amount_cents=amount_cents,
            facts=dict(facts or {}),
            opened_at=tx.now,
        )
        .on_conflict_do_nothing()
        .returning(Case.number)
    )


def assign(tx: Tx, number: int, owner: str | None) -> Case:
    """Give an open case to somebody, or to nobody again.

    Raises:
        NotFound: no such case.
        Refused: ``case_closed``.
        BadInput: the owner is no e-mail address (data: field).
    """
    if owner is not None and not is_email(owner):
        raise BadInput(field="owner")
    case = _open(tx, number)
    case.owner = owner
    return case


def close(tx: Tx, number: int, note: str, by: str | None = None) -> Case:
    """End a case with a word on how.

    Args:
        tx: the transaction.
        number: the case's.
        note: how it ended.
        by: the e-mail address of whoever ends it; the case is theirs when it was nobody's.

    Raises:
        NotFound: no such case.
        Refused: ``case_closed``.
        BadInput: ``bad_note``, empty or too long (data: field, most).
    """
    note = note.strip()
    if not 0 < len(note) <= CASE_NOTE_MAX:
        raise BadInput("bad_note", field="note", most=CASE_NOTE_MAX)
    case = _open(tx, number)
    case.state = CaseState.CLOSED
    case.note = note
    case.owner = case.owner or by
    case.closed_at = tx.now
    return case


def close_settled(tx: Tx, kind: CaseKind, subject: str, note: str) -> bool:
    """Close the open case of a subject, if there is one: what it was about is no longer so."""
    closed = tx.db.execute(
        update(Case)
        .where(Case.kind == kind, Case.subject == subject, Case.state == CaseState.OPEN)
        .values(state=CaseState.CLOSED, note=note, closed_at=tx.now)
        .returning(Case.id)
        .execution_options(synchronize_session=False)
    )
    return closed.first() is not None


def receipt_of(tx: Tx, number: int) -> UUID:
    """Return the receipt that an open case about money in suspense speaks of.

    Raises:
        NotFound: no such case.
        Refused: ``case_closed``, or ``not_suspense`` when the case is about something else.
    """
    case = _open(tx, number)
    named = case.facts.get("receipt_id")
    if case.kind not in ABOUT_SUSPENSE or named is None:
        raise Refused("not_suspense", kind=case.kind.value)
    return UUID(named)


def attempt_of(tx: Tx, number: int) -> UUID:
    """Return the attempt of whose fate nothing is heard that an open case speaks of.

    Raises:
        NotFound: no such case.
        Refused: ``case_closed``, or ``not_unknown`` when the case is about something else.
    """
    case = _open(tx, number)
    if case.kind is not CaseKind.ATTEMPT_UNKNOWN:
        raise Refused("not_unknown", kind=case.kind.value)
    return UUID(case.subject)


def _open(tx: Tx, number: int) -> Case:
    case = tx.db.scalar(select(Case).where(Case.number == number).with_for_update())
    if case is None:
        raise NotFound
    if case.state is CaseState.CLOSED:
        raise Refused("case_closed")
    return case
