"""``nafasi seed``: demo vendors and listings; a second run changes nothing."""

from typing import TYPE_CHECKING

from web.commands.setup import fail, load_settings, open_database, say

if TYPE_CHECKING:
    from core.db.tx import Database


def seed() -> None:
    """Fill the database with demo vendors and listings. Not in production."""
    settings = load_settings()
    if not settings.local:
        fail("Demo data does not belong into production.")
    with open_database(settings) as database:
        seed_demo(database)


def seed_demo(database: "Database") -> None:
    """Seed with a progress bar."""
    from rich.progress import Progress

    from core.demo.seed import seed_catalog

    with Progress(console=say, transient=True) as bar:
        task = bar.add_task("Demo data", total=None)
        with database.transaction() as tx:
            seed_catalog(tx, lambda done, total: bar.update(task, completed=done, total=total))
    say.print("Demo data is in place.", style="dim")
