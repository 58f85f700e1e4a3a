"""Vendors who cancelled too often, and payments out of which nothing is heard, are cases."""

import re
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

NEW = {"vendor_penalties", "attempt_unknown"}
CHECK = "ck_cases_kind"


def upgrade() -> None:
    _allow(lambda kinds: kinds | NEW)


def downgrade() -> None:
    op.execute("DELETE FROM cases WHERE kind IN ('vendor_penalties', 'attempt_unknown')")
    _allow(lambda kinds: kinds - NEW)


def _allow(change: Callable[[set[str]], set[str]]) -> None:
    """Allow other kinds of cases than now; which those are, other revisions may have said."""
    definition = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
        {"name": CHECK},
    )
    kinds = sorted(change(set(re.findall(r"'(\w+)'", definition.scalar_one()))))
    op.drop_constraint(op.f(CHECK), "cases")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f(CHECK), "cases", f"kind IN ({listed})")
