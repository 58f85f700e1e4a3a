"""Admins, and where they are signed in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base

NONE = text("0")


class Admin(Base):
    """Somebody of ours, known by an e-mail address in lower case."""

    __tablename__ = "admins"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    totp_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The key of the codes, in base 32."""
    totp_step: Mapped[int] = mapped_column(BigInteger, server_default=NONE)
    """The step of the last code that was taken: it and those before it count no more."""
    failures: Mapped[int] = mapped_column(server_default=NONE)
    locked_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class AdminSession(Base):
    """One sign-in, with all access tokens and all refresh tokens that came of it."""

    __tablename__ = "admin_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    admin_id: Mapped[UUID] = mapped_column(ForeignKey("admins.id"), index=True)
    refresh_digest: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of the one refresh token that counts; any other of this session was used before."""
    refresh_salt: Mapped[str]
    """What made that token out of the one before it; empty while it is the first."""
    refreshed_at: Mapped[datetime]
    """Since when that token counts."""
    begun_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    """When the refresh token that counts does so no more."""
    ended_at: Mapped[datetime | None]
