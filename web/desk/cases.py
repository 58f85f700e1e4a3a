"""Cases as the people who decide them see them."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from core.cases.model import Case, CaseKind, CaseState


class ToldCase(BaseModel):
    """One case; neither its subject nor its facts hold numbers of people."""

    number: int
    kind: CaseKind
    subject: str
    state: CaseState
    opened_at: datetime
    age_hours: int = Field(description="Until now, or until it was closed.")
    owner: str | None = Field(description="The e-mail address of whoever looks into it.")
    amount_cents: int | None = Field(description="The money in question, in cents of a shilling.")
    facts: dict[str, Any]
    note: str | None = Field(description="How it ended.")
    closed_at: datetime | None

    @classmethod
    def of(cls, case: Case, now: datetime) -> Self:
        """Return a case as it is at a moment."""
        age = (case.closed_at or now) - case.opened_at
        return cls(
            number=case.number,
            kind=case.kind,
            subject=case.subject,
            state=case.state,
            opened_at=case.opened_at,
            age_hours=int(age.total_seconds()) // 3600,
            owner=case.owner,
            amount_cents=case.amount_cents,
            facts=case.facts,
            note=case.note,
            closed_at=case.closed_at,
        )
