"""Questions that the launcher asks: is this port free, is that our server, is it still alive.

Nothing here starts or stops a process.
"""

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from web.local.binaries import Running
from web.local.folders import LocalError
from web.local.processes import ChildFailed

HOST = "127.0.0.1"
DATABASE = "nafasi"
SUPERUSER = "postgres"
PORTS_NAME = "ports.json"
EXTERNAL_SECONDS = 15.0
EXTERNAL_PAUSE_SECONDS = 0.5
CONNECT_SECONDS = 2


def free_port(preferred: int | None) -> int:
    """Return the preferred port of 127.0.0.1 if it is free, else one that the kernel picks."""
    if preferred is not None and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # As the servers do: a connection of last run in TIME_WAIT does not make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def read_ports(folder: Path) -> dict[str, int]:
    """Return the ports of last time by server name; none if there was no last time."""
    with suppress(OSError, ValueError):
        stored = json.loads((folder / PORTS_NAME).read_text())
        return {str(name): int(port) for name, port in dict(stored).items()}
    return {}


def clear_stale_pid(cluster: Path) -> None:
    """Remove the pid file that a killed postmaster left behind.

    PostgreSQL itself takes any living process with that number for the postmaster, zombies and
    strangers that got the number since included, and then refuses to start. Raises ChildFailed
    when a postmaster really runs there, which only somebody else can have started: we hold the
    folder's lock.
    """
    pid_file = cluster / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        pid_file.unlink(missing_ok=True)
        return
    if _works_in(pid, cluster):
        raise ChildFailed(f"PostgreSQL already runs on {cluster} as process {pid}. Stop it first.")
    pid_file.unlink()


def _works_in(pid: int, folder: Path) -> bool:
    """Tell whether the process is alive with this working folder, as a postmaster's is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # Another user's: not the one who owns this cluster.
    if not Path("/proc/self/cwd").exists():
        return True  # No way to look closer (macOS): leave the judgement to PostgreSQL's error.
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
    except OSError:
        return False  # A zombie has no working folder any more.


def is_our_postgres(port: int, cluster: Path) -> bool:
    """Tell whether this cluster, and not another on a port lost in a race, takes connections."""
    try:
        with _connect(port, "postgres") as connection:
            row = connection.execute("SHOW data_directory").fetchone()
    except psycopg.Error:
        return False
    return row is not None and Path(row[0]) == cluster


def _connect(port: int, database: str) -> psycopg.Connection[tuple[str, ...]]:
    return psycopg.connect(
        host=HOST,
        port=port,
        user=SUPERUSER,
        dbname=database,
        connect_timeout=CONNECT_SECONDS,
        sslmode="disable",
        autocommit=True,
    )


def create_database(port: int) -> None:
    """Create our database unless it is there."""
    with _connect(port, "postgres") as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, (DATABASE,)).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def is_our_redis(port: int, store: Path) -> bool:
    """Tell whether the server on this folder, and not another one, answers."""
    client = redis.Redis(
        host=HOST, port=port, socket_timeout=CONNECT_SECONDS, decode_responses=True
    )
    try:
        return bool(client.ping()) and client.config_get("dir") == {"dir": str(store)}
    except redis.RedisError:
        return False
    finally:
        client.close()


def database_urls(given: str) -> tuple[str, str]:
    """Return the URL for SQLAlchemy and the one for libpq, whichever of both was given."""
    _, separator, rest = given.partition("://")
    if not separator:
        raise LocalError("The database's address must look like postgresql://host:5432/name.")
    return f"postgresql+psycopg://{rest}", f"postgresql://{rest}"


def postgres_version(libpq_url: str) -> str:
    """Return the version that the server reports. Raises psycopg.OperationalError."""
    with psycopg.connect(libpq_url, connect_timeout=CONNECT_SECONDS) as connection:
        return connection.info.parameter_status("server_version") or "of unknown version"


def redis_version(url: str) -> str:
    """Return the version that the server reports. Raises redis.RedisError."""
    client = redis.Redis.from_url(url, socket_timeout=CONNECT_SECONDS)
    try:
        client.ping()
        facts = client.info("server")
        return str(facts.get("valkey_version") or facts["redis_version"])
    finally:
        client.close()


def wait_external(running: Running, ask: Callable[[], str]) -> str:
    """Return what the server answers to `ask`, waiting a little. Raises LocalError if nothing."""
    give_up_at = time.monotonic() + EXTERNAL_SECONDS
    while True:
        try:
            return ask()
        except (psycopg.OperationalError, redis.RedisError) as error:
            if time.monotonic() > give_up_at:
                # The error's own text may hold the address with its password.
                raise LocalError(
                    f"The server that {running.variable} names ({_place(running.url)}) does not "
                    f"answer: {type(error).__name__}."
                ) from None
            time.sleep(EXTERNAL_PAUSE_SECONDS)


def external_line(name: str, version: str, running: Running) -> str:
    """Describe a server that somebody else runs, without its user and password."""
    return f"{name} {version} at {_place(running.url)}, from {running.variable}"


def _place(url: str) -> str:
    """Return host, port and path of an address: never its user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 'default port'}{parts.path}"
