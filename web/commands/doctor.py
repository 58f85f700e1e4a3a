"""``nafasi doctor``: what this machine and these settings lack, each with what to do."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.commands.setup import data_folder, find_running, load_settings, put_json

if TYPE_CHECKING:
    from core.settings import Settings

PYTHON_MIN = (3, 11)
CONNECT_SECONDS = 2
EXTENSIONS = ("btree_gist", "pg_trgm", "unaccent", "cube", "earthdistance")
POSTGRES_MAJORS = range(15, 19)
REDIS_MIN = (7, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at.

    Attributes:
        name: what.
        ok: whether it is as it should be.
        found: what is there.
        remedy: what to do when it is not.
    """

    name: str
    ok: bool
    found: str
    remedy: str = ""


def doctor(
    port: Annotated[int, typer.Option(help="The port that the web server shall have.")] = 8000,
    data: Annotated[Path | None, typer.Option(help="Data folder of `nafasi up`.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Look whether everything that Nafasi needs is there. Exit code 1 when something is not."""
    from rich.console import Console

    running = bool(find_running(data)) or "NAFASI_DATABASE_URL" in os.environ
    lines = [_python(), *_binaries(), _folder(data), _port(port, running=bool(find_running(data)))]
    if running:
        settings = load_settings(data)
        lines += [*_database(settings), _redis(settings), _journal(settings)]
        lines += _settings_lines(settings)
    if as_json:
        put_json({"ok": all(line.ok for line in lines), "checks": [asdict(ln) for ln in lines]})
    else:
        console = Console(highlight=False)
        for line in lines:
            mark = "[green]ok  [/]" if line.ok else "[red]look[/]"
            console.print(f"{mark} [bold]{line.name}[/]: ", end="")
            console.print(line.found, markup=False)
            if not line.ok and line.remedy:
                console.print(f"     {line.remedy}", markup=False)
        if not running:
            console.print("Nothing runs yet: `nafasi up` starts everything.")
    if not all(line.ok for line in lines):
        raise typer.Exit(1)


def _python() -> Line:
    found = ".".join(str(part) for part in sys.version_info[:3])
    return Line("Python", sys.version_info >= PYTHON_MIN, found, "Install Python 3.11 or later.")


def _binaries() -> Iterator[Line]:
    """Say which servers `nafasi up` would run."""
    from web.local.binaries import Program, find_binaries
    from web.local.folders import LocalError, server_user

    try:
        found = find_binaries(os.environ, user=server_user())
    except LocalError as error:
        yield Line("Servers", ok=False, found="none to start", remedy=str(error))
        return
    for name, server in (("PostgreSQL", found.postgres), ("Redis", found.redis)):
        if isinstance(server, Program):
            yield Line(name, ok=True, found=f"{server.version} ({server.rung}, {server.path})")
        else:
            yield Line(name, ok=True, found=f"the running one that {server.variable} names")


def _folder(data: Path | None) -> Line:
    folder = data_folder(data)
    existing = next(part for part in (folder, *folder.parents) if part.exists())
    return Line(
        "Data folder",
        os.access(existing, os.W_OK),
        str(folder),
        "It cannot be written. Choose another: nafasi up --data DIR",
    )


def _port(port: int, *, running: bool) -> Line:
    with socket.socket() as probe:
        probe.settimeout(CONNECT_SECONDS)
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    if taken and running:
        return Line(f"Port {port}", ok=True, found="in use by `nafasi up`")
    remedy = f"Choose another: nafasi up --port {port + 10}"
    return Line(f"Port {port}", not taken, "taken" if taken else "free", remedy)


def _database(settings: "Settings") -> Iterator[Line]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    from web.schema import head_on_disk, revision_of

    engine = create_engine(
        settings.database_url,
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )
    try:
        with engine.connect() as connection:
            version = str(connection.execute(text("SHOW server_version")).scalar())
            names = connection.execute(text("SELECT name FROM pg_available_extensions"))
            missing = sorted(set(EXTENSIONS) - {row[0] for row in names})
            revision = revision_of(connection)
    except SQLAlchemyError as error:
        remedy = "Start it, or correct NAFASI_DATABASE_URL."
        yield Line("Database", ok=False, found=type(error).__name__, remedy=remedy)
        return
    major = int(version.partition(".")[0])
    yield Line(
        "Database", major in POSTGRES_MAJORS, f"PostgreSQL {version}", "Use PostgreSQL 15 to 18."
    )
    found = f"missing: {', '.join(missing)}" if missing else "all there"
    yield Line("Extensions", not missing, found, "Install PostgreSQL's contrib package.")
    head = head_on_disk()
    found = f"{revision or 'none'} of {head}"
    yield Line("Migrations", revision == head, found, "Run `nafasi migrate`.")


def _redis(settings: "Settings") -> Line:
    from web.local.probes import redis_version

    remedy = "Start Redis 7.0 or later, or correct NAFASI_REDIS_URL."
    version = _asked(lambda: redis_version(settings.redis_url))
    if version is None:
        return Line("Redis", ok=False, found="no answer", remedy=remedy)
    numbers = tuple(int(part) for part in version.split(".")[:2])
    return Line("Redis", numbers >= REDIS_MIN, version, remedy)


def _asked(ask: Callable[[], str]) -> str | None:
    import redis

    try:
        return ask()
    except redis.RedisError:
        return None


def _journal(settings: "Settings") -> Line:
    """Say whether callbacks could be kept without a database, and what waits or went bad."""
    from web.journal import CORRUPT_NAME, Journal, JournalUnusable, journal_folder

    folder = journal_folder(settings)
    try:
        standing = Journal(folder).standing()
    except JournalUnusable:
        remedy = "It cannot be written. Choose another: NAFASI_JOURNAL_FOLDER"
        return Line("Journal", ok=False, found=str(folder), remedy=remedy)
    if standing.corrupt_bytes:
        remedy = f"Somebody has to read {CORRUPT_NAME}, then move it away."
        found = f"{folder}: {standing.corrupt_bytes} bytes that could not be read"
        return Line("Journal", ok=False, found=found, remedy=remedy)
    waits = f"{standing.waiting_bytes} bytes wait" if standing.waiting_bytes else "nothing waits"
    return Line("Journal", ok=True, found=f"{folder}: {waits}")


def _settings_lines(settings: "Settings") -> Iterator[Line]:
    if settings.local:
        yield Line("Settings", ok=True, found=f"{settings.env}: defaults are allowed")
        return
    # Production settings with a problem were refused when they were loaded.
    yield Line("Settings", ok=True, found="production, complete")
