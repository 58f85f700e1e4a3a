"""``nafasi migrate``."""

from typing import TYPE_CHECKING

from web.commands.setup import load_settings, open_database, say

if TYPE_CHECKING:
    from core.settings import Settings


def migrate() -> None:
    """Bring the database to this version. Safe to run twice, and at the same time."""
    from web.schema import head_on_disk

    bring_up_to_date(load_settings())
    say.print(f"The database is at revision {head_on_disk()}.")


def bring_up_to_date(settings: "Settings") -> None:
    """Migrate, and write the towns and areas that the code knows."""
    from core.catalog.places import load_places
    from web.schema import upgrade

    upgrade(settings.database_url)
    with open_database(settings) as database:
        database.run(load_places)
