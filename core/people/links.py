"""One-time links by which a vendor sends photos of their papers, and the papers themselves.

A paper is sealed like everything that identifies a person. It stays in the database: a vendor has
few of them, each small, and they are backed up and forgotten with the rest.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, choice
from core.db.tx import Tx
from core.errors import BadInput, NotFound
from core.limits import (
    DOCUMENT_TOKEN_LENGTH,
    PAPER_LINK_SECONDS,
    PAPER_LINKS_A_DAY_MAX,
    PAPER_MAX_BYTES,
    PAPERS_PER_LINK_MAX,
)
from core.links import good_until
from core.people.deeds import Deed, note


class PaperKind(StrEnum):
    """Which paper."""

    ID_CARD = "id_card"
    KRA_CERTIFICATE = "kra_certificate"
    PERMIT = "permit"


# What a file begins with; what it calls itself does not count.
SIGNATURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"%PDF-": "application/pdf",
}


class PaperLink(Base):
    """A link that a vendor was sent: for some papers, for some days."""

    __tablename__ = "vendor_paper_links"

    token: Mapped[str] = mapped_column(primary_key=True)
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"), index=True)
    expires_at: Mapped[datetime]
    used: Mapped[int] = mapped_column(default=0)
    """How many papers came through it."""


class VendorPaper(Base):
    """One paper, as it was photographed."""

    __tablename__ = "vendor_papers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"), index=True)
    kind: Mapped[PaperKind] = mapped_column(choice(PaperKind, "kind"))
    media_type: Mapped[str] = mapped_column(String(40))
    size_bytes: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    at: Mapped[datetime]


def new_link(tx: Tx, vendor_id: UUID) -> PaperLink:
    """Make a link for a vendor's papers.

    Raises:
        Refused: ``too_many_links`` (data: limit): each costs an SMS.
    """
    expires_at = good_until(
        tx,
        PaperLink.expires_at,
        PAPER_LINK_SECONDS,
        PAPER_LINKS_A_DAY_MAX,
        PaperLink.vendor_id == vendor_id,
    )
    link = PaperLink(
        token=tx.ids.token()[:DOCUMENT_TOKEN_LENGTH],
        vendor_id=vendor_id,
        expires_at=expires_at,
        used=0,
    )
    tx.db.add(link)
    tx.db.flush()
    return link


def find_link(tx: Tx, token: str, *, lock: bool = False) -> PaperLink:
    """Return a link that still takes papers; raises NotFound (``no_link``)."""
    query = select(PaperLink).where(
        PaperLink.token == token,
        PaperLink.expires_at > tx.now,
        PaperLink.used < PAPERS_PER_LINK_MAX,
    )
    link = tx.db.scalar(query.with_for_update() if lock else query)
    if link is None:
        raise NotFound("no_link")
    return link


def take_paper(tx: Tx, token: str, kind: PaperKind, body: bytes) -> int:
    """Keep a paper that came through a link.

    Returns:
        how many more the link takes.

    Raises:
        NotFound: ``no_link``.
        BadInput: ``paper_too_big``, ``paper_type`` (no JPEG, PNG or PDF).
    """
    link = find_link(tx, token, lock=True)
    if len(body) > PAPER_MAX_BYTES:
        raise BadInput("paper_too_big")
    media_type = next((kind for sign, kind in SIGNATURES.items() if body.startswith(sign)), None)
    if media_type is None:
        raise BadInput("paper_type")
    link.used += 1
    tx.db.add(
        VendorPaper(
            id=tx.ids.uuid(),
            vendor_id=link.vendor_id,
            kind=kind,
            media_type=media_type,
            size_bytes=len(body),
            sealed=tx.vault.seal_bytes(body),
            at=tx.now,
        )
    )
    note(tx, link.vendor_id, None, Deed.PAPER_SENT, kind.value)
    return PAPERS_PER_LINK_MAX - link.used


def papers_of(tx: Tx, vendor_id: UUID) -> list[VendorPaper]:
    """Return a vendor's papers, the newest first, without what is in them."""
    query = select(VendorPaper).where(VendorPaper.vendor_id == vendor_id)
    return list(tx.db.scalars(query.order_by(VendorPaper.at.desc()).limit(50)))
