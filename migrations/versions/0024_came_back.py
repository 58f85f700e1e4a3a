"""Why an attempt failed says that it came back before we knew of its arrival.

Until now that stood where it stands when money that had arrived came back: one column, two
meanings.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

NEW = "came_back"
REASONS = (
    "cancelled",
    "insufficient",
    "wrong_pin",
    "unreachable",
    "expired",
    "silent",
    "busy",
    "limit",
    "bad_recipient",
    "no_float",
    "credentials",
    "configuration",
    "other",
)
MOVE = f"""
UPDATE attempts SET reason = '{NEW}', reversed_at = NULL
WHERE reversed_at IS NOT NULL AND state = 'failed'
"""
MOVE_BACK = f"""
UPDATE attempts SET reason = 'bad_recipient', reversed_at = coalesce(finished_at, now())
WHERE reason = '{NEW}'
"""
FORGET = f"UPDATE refunds SET reason = 'bad_recipient' WHERE reason = '{NEW}'"


def upgrade() -> None:
    _allow((*REASONS, NEW))
    op.execute(MOVE)
    op.create_check_constraint(
        op.f("ck_attempts_reversed"), "attempts", "reversed_at IS NULL OR state = 'succeeded'"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_attempts_reversed"), "attempts")
    op.execute(MOVE_BACK)
    op.execute(FORGET)
    _allow(REASONS)


def _allow(reasons: Sequence[str]) -> None:
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    for table in ("attempts", "refunds"):
        name = op.f(f"ck_{table}_reason")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"reason IN ({listed})")
