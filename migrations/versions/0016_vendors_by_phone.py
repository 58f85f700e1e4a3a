"""Vendors by phone: staff numbers, who did what, links for papers and the papers, where they are."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
PAPER_KINDS = ("id_card", "kra_certificate", "permit")


def upgrade() -> None:
    _where_vendors_are()
    op.create_table(
        "vendor_staff",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_vendor_staff")),
        _to("vendor_staff", "user_id", "users"),
        _to("vendor_staff", "vendor_id", "vendors"),
    )
    op.create_index(op.f("ix_vendor_staff_vendor_id"), "vendor_staff", ["vendor_id"])
    op.create_table(
        "vendor_deeds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_deeds")),
        _to("vendor_deeds", "vendor_id", "vendors"),
        _to("vendor_deeds", "user_id", "users"),
    )
    op.create_index("ix_vendor_deeds_vendor_id_id", "vendor_deeds", ["vendor_id", "id"])
    _papers()


def _where_vendors_are() -> None:
    op.add_column("vendors", sa.Column("category", sa.Text(), nullable=True))
    for name, table in (("town_id", "towns"), ("area_id", "areas")):
        op.add_column("vendors", sa.Column(name, sa.SmallInteger(), nullable=True))
        key = op.f(f"fk_vendors_{name}_{table}")
        op.create_foreign_key(key, "vendors", table, [name], ["id"])


def _papers() -> None:
    op.create_table(
        "vendor_paper_links",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_vendor_paper_links")),
        _to("vendor_paper_links", "vendor_id", "vendors"),
    )
    op.create_index(op.f("ix_vendor_paper_links_vendor_id"), "vendor_paper_links", ["vendor_id"])
    op.create_table(
        "vendor_papers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                *PAPER_KINDS, name="kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_papers")),
        _to("vendor_papers", "vendor_id", "vendors"),
    )
    op.create_index(op.f("ix_vendor_papers_vendor_id"), "vendor_papers", ["vendor_id"])


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name)


def downgrade() -> None:
    for table in ("vendor_papers", "vendor_paper_links", "vendor_deeds", "vendor_staff"):
        op.drop_table(table)
    for column in ("area_id", "town_id", "category"):
        op.drop_column("vendors", column)
