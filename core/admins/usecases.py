"""Letting an admin in and out: accounts, signing in, refreshing, signing out.

What is wrong with a sign-in or a refresh is answered and not raised: it has to be remembered.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

import structlog
from sqlalchemy import func, select, update

from core.admins import rules
from core.admins.model import Admin, AdminSession
from core.admins.rules import Authenticator
from core.db.tx import Tx
from core.emails import is_email
from core.errors import NotFound, Refused
from core.hashing import hashed, is_hashed
from core.limits import (
    ADMIN_LOCK_SECONDS,
    ADMIN_REFRESH_SECONDS,
    ADMIN_SESSION_SECONDS,
    ADMIN_TRIES_MAX,
    LIST_MAX,
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What somebody gets who is let in.

    Attributes:
        admin_id: who it is.
        session_id: the session that this began or goes on with.
        refresh_token: good for one refresh; only its digest is kept.
    """

    admin_id: UUID
    session_id: UUID
    refresh_token: str


def add_admin(tx: Tx, email: str, password: str) -> str:
    """Make an account; return the ``otpauth`` address of its codes, which is told this once.

    Raises:
        BadInput: ``bad_email``, or as ``rules.check_password``.
        Refused: ``email_taken``, ``too_many_admins`` (data: limit).
    """
    known = rules.email_of(email)
    chosen = rules.check_password(password, known)
    if tx.db.scalar(select(Admin.id).where(Admin.email == known)) is not None:
        raise Refused("email_taken")
    if int(tx.db.scalar(select(func.count()).select_from(Admin)) or 0) >= LIST_MAX:
        raise Refused("too_many_admins", limit=LIST_MAX)
    codes = _new_codes(tx)
    tx.db.add(
        Admin(
            id=tx.ids.uuid(),
            email=known,
            password_hash=hashed(chosen),
            totp_sealed=tx.vault.seal(codes.key),
            created_at=tx.now,
        )
    )
    tx.db.flush()
    return codes.address(known)


def disable(tx: Tx, email: str) -> None:
    """Let an admin in no more, and end their sessions at once; raises NotFound (``no_admin``)."""
    admin = _locked(tx, email)
    admin.disabled_at = admin.disabled_at or tx.now
    _end_all(tx, admin)


def reset(tx: Tx, email: str, password: str) -> str:
    """Give an admin a new password and new codes, and end their sessions.

    A lock is lifted, and who was disabled may sign in again.

    Returns:
        the ``otpauth`` address of the new codes, which is told this once.

    Raises:
        NotFound: ``no_admin``.
        BadInput: as ``rules.check_password``.
    """
    admin = _locked(tx, email)
    admin.password_hash = hashed(rules.check_password(password, admin.email))
    codes = _new_codes(tx)
    admin.totp_sealed = tx.vault.seal(codes.key)
    admin.totp_step = admin.failures = 0
    admin.locked_until = admin.disabled_at = None
    _end_all(tx, admin)
    return codes.address(admin.email)


def code_now(tx: Tx, email: str) -> str:
    """Return the code of this moment, for trials: an app does not know a clock that was moved.

    Raises:
        NotFound: ``no_admin``.
    """
    admin = _locked(tx, email)
    return Authenticator(tx.vault.open(admin.totp_sealed)).code(rules.step_at(tx.now))


def sign_in(tx: Tx, email: str, password: str, code: str) -> SignedIn | None:
    """Begin a session; None for whatever is wrong, which is counted and not told apart.

    Five wrong tries lock the account for a quarter of an hour. A password is hashed for every
    try, so that the time tells no more than the answer.
    """
    admin = _find(tx, email)
    kept = _nobodys_hash() if admin is None else admin.password_hash
    known = is_hashed(kept, rules.normal(password))
    if admin is None or admin.disabled_at or (admin.locked_until or tx.now) > tx.now:
        return None
    step = Authenticator(tx.vault.open(admin.totp_sealed)).step_of(code, tx.now)
    if not (known and rules.counts(step, admin.totp_step)):
        _count_failure(tx, admin)
        return None
    assert step is not None, "a step that counts"
    admin.totp_step = step
    admin.failures = 0
    session = AdminSession(id=tx.ids.uuid(), admin_id=admin.id, begun_at=tx.now)
    tx.db.add(session)
    log.info("admin.signed_in", admin_id=str(admin.id), session_id=str(session.id))
    return _hand_out(tx, session, f"{session.id.hex}.{tx.ids.token()}")


def refresh(tx: Tx, token: str) -> SignedIn | None:
    """Go on with a session: its refresh token for the next one; None when there is none.

    The one that was just used leads to the same next one for some seconds: two tabs ask at once,
    or an answer was lost. Any other that was used before ends the session: of the two who hold it
    one has stolen it (RFC 9700, section 4.14.2).
    """
    session = _session_of(tx, token)
    if session is None:
        return None
    if _counts(session, token):
        salt = tx.ids.token()
        return _hand_out(tx, session, _successor(token, salt), salt)
    again = _successor(token, session.refresh_salt)
    if _counts(session, again) and rules.just_refreshed(session.refreshed_at, tx.now):
        return SignedIn(session.admin_id, session.id, again)
    session.ended_at = tx.now
    log.warning("admin.token_reused", session_id=str(session.id))
    return None


def sign_out(tx: Tx, token: str) -> None:
    """End the session of a refresh token, if there is one."""
    session = _session_of(tx, token)
    if session is not None:
        session.ended_at = tx.now


@cache
def _nobodys_hash() -> str:
    return hashed("nobody signs in with this")


def _find(tx: Tx, email: str) -> Admin | None:
    """The admin of an address, locked: two guesses are two guesses, and a code lets one in."""
    known = rules.known_as(email)
    if not is_email(known):
        return None
    return tx.db.scalar(select(Admin).where(Admin.email == known).with_for_update())


def _locked(tx: Tx, email: str) -> Admin:
    admin = _find(tx, email)
    if admin is None:
        raise NotFound("no_admin")
    return admin


def _count_failure(tx: Tx, admin: Admin) -> None:
    admin.failures += 1
    if admin.failures >= ADMIN_TRIES_MAX:
        admin.failures = 0
        admin.locked_until = tx.now + timedelta(seconds=ADMIN_LOCK_SECONDS)
        log.warning("admin.locked", admin_id=str(admin.id))


def _session_of(tx: Tx, token: str) -> AdminSession | None:
    """The live session of a token, locked: of two refreshes at once the second sees the first."""
    try:
        session_id = UUID(hex=token.partition(".")[0])
    except ValueError:
        return None
    return tx.db.scalar(
        select(AdminSession)
        .where(
            AdminSession.id == session_id,
            AdminSession.ended_at.is_(None),
            AdminSession.expires_at > tx.now,
        )
        .with_for_update()
    )


def _counts(session: AdminSession, token: str) -> bool:
    return hmac.compare_digest(session.refresh_digest, _digest(token))


def _successor(token: str, salt: str) -> str:
    """The token after another: neither that one nor what is kept of a session tells it alone."""
    session_id, _, secret = token.partition(".")
    made = hmac.digest(secret.encode(), salt.encode(), "sha256")
    return f"{session_id}.{made.hex()}"


def _hand_out(tx: Tx, session: AdminSession, token: str, salt: str = "") -> SignedIn:
    """Let a refresh token count from now on; none outlives the session's own end."""
    session.refresh_digest = _digest(token)
    session.refresh_salt, session.refreshed_at = salt, tx.now
    session.expires_at = min(
        tx.now + timedelta(seconds=ADMIN_REFRESH_SECONDS),
        session.begun_at + timedelta(seconds=ADMIN_SESSION_SECONDS),
    )
    tx.db.flush()
    return SignedIn(session.admin_id, session.id, token)


def _end_all(tx: Tx, admin: Admin) -> None:
    open_ones = (AdminSession.admin_id == admin.id, AdminSession.ended_at.is_(None))
    tx.db.execute(update(AdminSession).where(*open_ones).values(ended_at=tx.now))


def _new_codes(tx: Tx) -> Authenticator:
    drawn = hashlib.sha256(tx.ids.token().encode()).digest()[: rules.KEY_BYTES]
    return Authenticator(base64.b32encode(drawn).decode())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
