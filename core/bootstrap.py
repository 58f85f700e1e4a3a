"""Puts the core together from settings; each executable's composition root calls this."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

import core.db.models  # noqa: F401 -- Whoever writes a row needs the tables that its keys name.
from core.clock import Clock, SystemClock
from core.db.tx import Database, Work
from core.ids import SystemIds
from core.local_clock import read_ahead
from core.ports.providers import Routes
from core.settings import Settings
from core.vault import Vault


def build_database(
    settings: Settings,
    clock: Clock,
    wake: Callable[[Work], None] = lambda _work: None,
    pool_size: int | None = None,
    routes: Routes | None = None,
    memory_seconds: float = 0,
) -> Database:
    """Return the database of the settings.

    Args:
        settings: where and with which keys.
        clock: where time comes from (``build_clock``).
        wake: how workers are woken after a commit; must not raise.
        pool_size: connections of this process; the setting's when not given.
        routes: through which providers money moves.
        memory_seconds: how old the rates may be.
    """
    keys = settings.vault_keys.get_secret_value().split(",")
    return Database(
        settings.database_url,
        clock,
        SystemIds(),
        Vault(keys),
        wake,
        pool_size or settings.database_pool_size,
        routes,
        memory_seconds,
    )


def build_clock(settings: Settings) -> SystemClock:
    """Return the clock: the machine's, in a local trial ahead by what the database says.

    The offset is read here, and again by each process every second or so (``read_offset``), so
    that telling the time never waits for a database.
    """
    return SystemClock(read_offset(settings)) if settings.local else SystemClock()


def read_offset(settings: Settings) -> timedelta:
    """Ask the database how far ahead the local trial's time is."""
    engine = create_engine(settings.database_url, poolclass=NullPool)
    with Session(engine) as db:
        return read_ahead(db)
