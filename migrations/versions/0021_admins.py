"""Admins sign in: wrong tries, the last code that was taken, and their sessions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Nothing could write an admin before: the table is empty.
    op.alter_column("admins", "totp_sealed", nullable=False)
    for name, kind in (("totp_step", sa.BigInteger()), ("failures", sa.Integer())):
        op.add_column("admins", sa.Column(name, kind, server_default="0", nullable=False))
    op.add_column("admins", sa.Column("locked_until", MOMENT, nullable=True))
    op.create_check_constraint(op.f("ck_admins_email_lower"), "admins", "email = lower(email)")
    op.create_table(
        "admin_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("admin_id", sa.Uuid(), nullable=False),
        sa.Column("refresh_digest", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["admin_id"], ["admins.id"], name=op.f("fk_admin_sessions_admin_id_admins")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_sessions")),
    )
    for column in ("admin_id", "expires_at"):
        op.create_index(op.f(f"ix_admin_sessions_{column}"), "admin_sessions", [column])


def downgrade() -> None:
    op.drop_table("admin_sessions")
    op.drop_constraint(op.f("ck_admins_email_lower"), "admins")
    for name in ("locked_until", "failures", "totp_step"):
        op.drop_column("admins", name)
    op.alter_column("admins", "totp_sealed", nullable=True)
