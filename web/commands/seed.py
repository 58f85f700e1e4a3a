"""``nafasi seed``: demo vendors, listings and bookings; a second run changes nothing."""

from typing import TYPE_CHECKING, Annotated

import typer

from web.commands.setup import fail, load_settings, open_database, say

if TYPE_CHECKING:
    from core.db.tx import Database


def seed(
    *,
    bookings: Annotated[bool, typer.Option(help="Past and coming bookings too.")] = True,
) -> None:
    """Fill the database with demo vendors, listings and bookings. Not in production."""
    settings = load_settings()
    if not settings.local:
        fail("Demo data does not belong into production.")
    with open_database(settings) as database:
        seed_demo(database, bookings=bookings)


def seed_demo(database: "Database", *, bookings: bool = True) -> None:
    """Seed with a progress bar for each part."""
    from rich.progress import Progress

    from core.demo.bookings import seed_bookings
    from core.demo.photos import seed_photos
    from core.demo.seed import seed_catalog

    with Progress(console=say, transient=True) as bar:
        listings = bar.add_task("Vendors and listings", total=None)
        with database.transaction() as tx:
            seed_catalog(tx, lambda done, total: bar.update(listings, completed=done, total=total))
            seed_photos(tx)
        if bookings:
            booked = bar.add_task("Bookings", total=None)
            seed_bookings(
                database, lambda done, total: bar.update(booked, completed=done, total=total)
            )
    say.print("Demo data is in place.", style="dim")
