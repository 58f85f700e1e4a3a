"""What is asked about admins."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from core.admins.model import Admin, AdminSession
from core.db.tx import Tx
from core.limits import LIST_MAX


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        admin_id: of the admin.
        email: the admin's address.
    """

    admin_id: UUID
    email: str


def all_admins(tx: Tx) -> list[Admin]:
    """Return all admins, disabled ones too, by address."""
    return list(tx.db.scalars(select(Admin).order_by(Admin.email).limit(LIST_MAX)))


def caller_of(tx: Tx, session_id: UUID) -> Caller | None:
    """Return whose session this is; None when it has ended, as it does when one is disabled."""
    row = tx.db.execute(
        select(Admin.id, Admin.email)
        .join(AdminSession, AdminSession.admin_id == Admin.id)
        .where(
            AdminSession.id == session_id,
            AdminSession.ended_at.is_(None),
            AdminSession.expires_at > tx.now,
        )
    ).first()
    return None if row is None else Caller(*row)
