"""Photos of listings, the links by which vendors send them, and answers to reviews."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name)


def upgrade() -> None:
    photos, links = "listing_photos", "listing_photo_links"
    op.create_table(
        photos,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("large", sa.LargeBinary(), nullable=False),
        sa.Column("small", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("uploader_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(large) <= 60000", name=op.f("ck_listing_photos_large")),
        sa.CheckConstraint("octet_length(small) <= 8000", name=op.f("ck_listing_photos_small")),
        _to(photos, "listing_id", "listings"),
        _to(photos, "uploader_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_photos")),
        sa.UniqueConstraint("token", name=op.f("uq_listing_photos_token")),
        sa.UniqueConstraint(
            "listing_id", "position", name=op.f("uq_listing_photos_listing_id_position")
        ),
        sa.UniqueConstraint(
            "listing_id", "digest", name=op.f("uq_listing_photos_listing_id_digest")
        ),
    )
    op.create_table(
        links,
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        _to(links, "listing_id", "listings"),
        _to(links, "user_id", "users"),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_listing_photo_links")),
    )
    op.create_index("ix_listing_photo_links_user_id_expires_at", links, ["user_id", "expires_at"])
    op.create_index("ix_listing_photo_links_expires_at", links, ["expires_at"])
    op.add_column("reviews", sa.Column("answer", sa.Text(), nullable=True))
    op.add_column("reviews", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_reviews_answer"),
        "reviews",
        "(answer IS NULL) = (answered_at IS NULL) AND char_length(answer) BETWEEN 1 AND 120",
    )


def downgrade() -> None:
    op.drop_column("reviews", "answered_at")
    op.drop_column("reviews", "answer")
    op.drop_table("listing_photo_links")
    op.drop_table("listing_photos")
