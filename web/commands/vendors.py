"""``nafasi vendors`` beyond money: who waits, who did what, the PIN, papers; listings."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.payouts import Number, run_command, vendors
from web.commands.setup import Json, fail, put_json, say

if TYPE_CHECKING:
    from core.db.tx import Tx

listings = typer.Typer(help="A vendor's listings: publish one.")


@vendors.command("waiting")
def waiting(*, as_json: Json = False) -> None:
    """List who wants to sell and waits to be checked, the oldest first."""
    from sqlalchemy import select

    from core.limits import LIST_MAX
    from core.people.links import papers_of
    from core.people.model import Vendor, VendorStatus

    def read(tx: "Tx") -> list[dict[str, Any]]:
        query = select(Vendor).where(Vendor.status == VendorStatus.PENDING)
        found = tx.db.scalars(query.order_by(Vendor.created_at).limit(LIST_MAX))
        return [
            {
                "vendor": vendor.number,
                "business": vendor.business_name,
                "category": vendor.category,
                "papers": len(papers_of(tx, vendor.id)),
                "since": vendor.created_at.isoformat(),
            }
            for vendor in found
        ]

    rows = run_command(read)
    if as_json:
        put_json(rows)
        return
    for row in rows:
        sys.stdout.write("  ".join(str(value) for value in row.values()) + "\n")
    if not rows:
        sys.stdout.write("Nobody waits to be checked.\n")


@vendors.command("deeds")
def deeds(number: Number, *, as_json: Json = False) -> None:
    """Tell who did what for a vendor, the newest first: owner, staff, or a person of ours."""
    from core.msisdn import mask
    from core.payouts.details import find_vendor
    from core.people.deeds import deeds_of

    def read(tx: "Tx") -> list[dict[str, Any]]:
        return [
            {
                "at": deed.at.isoformat(),
                "by": mask(msisdn) if msisdn else "us",
                "deed": deed.deed,
                "subject": deed.subject,
            }
            for deed, msisdn in deeds_of(tx, find_vendor(tx, number).id)
        ]

    rows = run_command(read)
    if as_json:
        put_json(rows)
        return
    for row in rows:
        sys.stdout.write("  ".join(row.values()) + "\n")


@vendors.command("pin-reset")
def pin_reset(
    number: Number,
    why: Annotated[str, typer.Option(help="How you made sure who is asking; it is kept.")],
) -> None:
    """Forget a vendor's PIN and its lock; they are told, and choose a new one by phone."""
    from core.payouts.details import find_vendor
    from core.people.pins import reset_pin

    run_command(lambda tx: reset_pin(tx, find_vendor(tx, number), why))
    say.print(f"Vendor {number} chooses a new PIN the next time one is needed.")


@vendors.command("papers")
def papers(
    number: Number,
    to: Annotated[Path | None, typer.Option(help="An existing folder to write them to.")] = None,
) -> None:
    """List a vendor's papers, or write them to a folder for whoever checks them."""
    from core.payouts.details import find_vendor
    from core.people.links import papers_of

    if to is not None and not to.is_dir():
        fail(f"There is no folder {to}.")

    def read(tx: "Tx") -> list[tuple[str, bytes]]:
        found = papers_of(tx, find_vendor(tx, number).id)
        return [
            (
                f"{number}-{index}-{paper.kind.value}.{paper.media_type.rpartition('/')[2]}",
                tx.vault.open_bytes(paper.sealed) if to is not None else b"",
            )
            for index, paper in enumerate(reversed(found), 1)
        ]

    for name, body in run_command(read):
        if to is not None:
            path = to / name
            path.touch(mode=0o600)
            path.write_bytes(body)
        sys.stdout.write(f"{name}\n")


@listings.command("publish")
def publish(
    number: Annotated[int, typer.Argument(help="The listing's number.")],
) -> None:
    """Put a draft or paused listing of a checked vendor on offer."""
    from core.catalog.listings import publish as put_on_offer

    run_command(lambda tx: put_on_offer(tx, number))
    say.print(f"Listing {number} is on offer.")
