"""``nafasi migrate``."""

from web.commands.setup import load_settings, say


def migrate() -> None:
    """Bring the database to this version. Safe to run twice, and at the same time."""
    from web.schema import head_on_disk, upgrade

    settings = load_settings()
    upgrade(settings.database_url)
    say.print(f"The database is at revision {head_on_disk()}.")
