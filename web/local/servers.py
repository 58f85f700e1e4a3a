"""PostgreSQL and Redis for one machine: `nafasi up` and the test-suite start theirs here.

    with LocalServers(folder) as servers:
        servers.database_url, servers.redis_url

Servers listen on 127.0.0.1 only, without passwords: whoever is on this machine may use them, so
this is for development, demonstrations and tests.
"""

import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from web.local.binaries import Found, Places, Program, Running, find_binaries, within_reach
from web.local.folders import (
    LOCK_NAME,
    RunAs,
    hold_lock,
    make_folder,
    make_temporary_folder,
    server_user,
    settle_folder,
)
from web.local.probes import (
    DATABASE,
    HOST,
    PORTS_NAME,
    SUPERUSER,
    clear_stale_pid,
    create_database,
    database_urls,
    external_line,
    free_port,
    is_free,
    is_our_postgres,
    is_our_redis,
    postgres_version,
    read_ports,
    redis_version,
    wait_external,
)
from web.local.processes import Child, ChildFailed, ChildSpec

READY_SECONDS = 60.0
INITDB_SECONDS = 120.0
STOP_SECONDS = 10.0
PORT_TRIES_MAX = 3
CONNECTIONS_MAX = 200

# The servers read no setting of ours (PGOPTIONS, PGDATA and the like) from the environment.
_SERVER_ENVIRON = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
# A cluster that may be lost at any time: for tests only.
_NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class LocalServers:
    """Both servers, as a context manager or by `start()` and `stop()`.

    `folder` keeps data, ports and logs over runs; without it a temporary one is made and removed.
    `durable=False` trades safety against a crash of the machine for speed. `children` are the
    processes started here, in order; a `Supervisor` may watch them along with others.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        durable: bool = True,
        environ: Mapping[str, str] | None = None,
        places: Places | None = None,
    ) -> None:
        self._requested = folder
        self._durable = durable
        self._environ = dict(os.environ if environ is None else environ)
        self._places = places
        self._user: RunAs | None = None
        self._lock: int | None = None
        self._folder: Path | None = None
        self._lines: list[str] = []
        self.children: tuple[Child, ...] = ()
        self.database_url = ""
        self.redis_url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def folder(self) -> Path:
        """The data folder in use, which as root may be another one than was asked for."""
        assert self._folder is not None, "start() comes first"
        return self._folder

    def start(self) -> None:
        """Start both servers and wait until they answer.

        Raises ServersMissing, FolderInUse, ChildFailed or another LocalError, with nothing left
        running.
        """
        try:
            self._user = server_user()
            self._take_folder()
            majors = (path.name.removeprefix("postgresql-") for path in _clusters(self.folder))
            found = find_binaries(
                self._environ, self._places, user=self._user, clusters=frozenset(map(int, majors))
            )
            self._start_postgres(found)
            self._start_redis(found)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what was started here, in reverse order. Safe to call twice."""
        for child in reversed(self.children):
            child.stop()
        self.children = ()
        if self._lock is not None:
            if self._requested is None:
                shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

    def describe(self) -> list[str]:
        """Return lines for the terminal: which server, version, origin and port, and where."""
        return list(self._lines)

    def _take_folder(self) -> None:
        self._lines.clear()
        if self._requested is None:
            self._folder, self._lock = make_temporary_folder(self._user)
            return
        self._folder = settle_folder(self._requested, self._user)
        make_folder(self._folder)
        self._lock = hold_lock(self._folder / LOCK_NAME)
        if self._user and self._folder != self._requested.resolve():
            self._lines.append(
                f"Data in {self._folder}: the user {self._user.name}, whom the servers run as, "
                f"cannot reach {self._requested}"
            )
        else:
            self._lines.append(f"Data in {self._folder}")

    def _start_postgres(self, found: Found) -> None:
        if isinstance(found.postgres, Running):
            url, libpq_url = database_urls(found.postgres.url)
            version = wait_external(found.postgres, lambda: postgres_version(libpq_url))
            self.database_url = url
            self._lines.append(external_line("PostgreSQL", version, found.postgres))
            return
        program = within_reach(found.postgres, self.folder, self._user)
        cluster = self.folder / f"postgresql-{program.major}"
        self._make_cluster(program, cluster)
        port = self._launch("postgresql", lambda port: self._postgres_spec(program, cluster, port))
        create_database(port)
        self.database_url = _database_url(port)
        self._lines.append(self._program_line("PostgreSQL", program.version, program, port))

    def _make_cluster(self, program: Program, cluster: Path) -> None:
        """Run initdb unless done before; under another name first, so that half is never whole."""
        if (cluster / "PG_VERSION").exists():
            return
        unfinished = cluster.with_name(f"unfinished-{cluster.name}")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._make_private_folder(unfinished)
        words = [str(program.path.parent / "initdb"), "-D", str(unfinished), "-U", SUPERUSER]
        words += ["--auth-local=trust", "--auth-host=trust", "--encoding=UTF8"]
        words += _locale_words(program.major)
        words += [] if self._durable else ["--no-sync"]
        initdb = Child(self._spec("initdb", words, unfinished))
        self.children += (initdb,)
        initdb.start()
        code = initdb.wait(INITDB_SECONDS)
        self.children = self.children[:-1]
        if code != 0:
            raise ChildFailed(f"initdb ended with code {code}.\n{initdb.tail()}")
        unfinished.rename(cluster)

    def _postgres_spec(self, program: Program, cluster: Path, port: int) -> ChildSpec:
        settings = [
            f"port={port}",
            f"listen_addresses={HOST}",
            "unix_socket_directories=",
            f"max_connections={CONNECTIONS_MAX}",
            "timezone=UTC",
            "log_timezone=UTC",
            "logging_collector=off",
            *(() if self._durable else _NOT_DURABLE),
        ]
        words = [str(program.path), "-D", str(cluster)]
        for setting in settings:
            words += ["-c", setting]
        return self._spec(
            "postgresql",
            words,
            cluster,
            before_start=lambda: clear_stale_pid(cluster),
            ready=lambda: is_our_postgres(port, cluster),
            stop_signal=signal.SIGINT,  # Fast shutdown: disconnect the clients, then checkpoint.
            death_signal=signal.SIGQUIT,  # Immediate shutdown: the next start recovers.
        )

    def _start_redis(self, found: Found) -> None:
        if isinstance(found.redis, Running):
            url = found.redis.url
            version = wait_external(found.redis, lambda: redis_version(url))
            self.redis_url = url
            self._lines.append(external_line("Redis", version, found.redis))
            return
        program = within_reach(found.redis, self.folder, self._user)
        store = self.folder / "redis"
        if not store.exists():
            self._make_private_folder(store)
        port = self._launch("redis", lambda port: self._redis_spec(program, store, port))
        self.redis_url = _redis_url(port)
        name = "Valkey" if program.path.name.startswith("valkey") else "Redis"
        self._lines.append(self._program_line(name, program.version, program, port))

    def _redis_spec(self, program: Program, store: Path, port: int) -> ChildSpec:
        words = [str(program.path), "--port", str(port), "--bind", HOST, "--dir", str(store)]
        words += ["--save", "", "--appendonly", "yes" if self._durable else "no"]
        words += ["--daemonize", "no", "--loglevel", "warning"]
        return self._spec("redis", words, store, ready=lambda: is_our_redis(port, store))

    def _spec(
        self,
        name: str,
        words: list[str],
        cwd: Path,
        *,
        before_start: Callable[[], None] | None = None,
        ready: Callable[[], bool] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        death_signal: signal.Signals = signal.SIGTERM,
    ) -> ChildSpec:
        assert self._lock is not None
        return ChildSpec(
            name=name,
            command=tuple(words),
            environ=_SERVER_ENVIRON,
            cwd=cwd,
            run_as=self._user,
            before_start=before_start,
            ready=ready,
            ready_seconds=READY_SECONDS,
            stop_signal=stop_signal,
            stop_seconds=STOP_SECONDS,
            death_signal=death_signal,
            log_path=self.folder / f"{name}.log",
            keep_fds=(self._lock,),  # The folder stays locked until the last server is gone.
        )

    def _launch(self, name: str, spec_at: Callable[[int], ChildSpec]) -> int:
        """Start the server on the port of last time if that is free, else on any free one."""
        ports = read_ports(self.folder)
        port = free_port(ports.get(name))
        for tries_left in reversed(range(PORT_TRIES_MAX)):
            child = Child(spec_at(port))
            self.children += (child,)
            try:
                child.start()
                child.wait_ready()
                break
            except ChildFailed:
                self.children = self.children[:-1]
                child.stop()
                # Somebody may have taken the port between our look and the server's bind.
                if not tries_left or is_free(port):
                    raise
                port = free_port(None)
        (self.folder / PORTS_NAME).write_text(json.dumps(ports | {name: port}) + "\n")
        return port

    def _make_private_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        if self._user is not None:
            os.chown(folder, self._user.uid, self._user.gid)

    def _program_line(self, name: str, version: str, program: Program, port: int) -> str:
        user = f", as {self._user.name}" if self._user else ""
        return f"{name} {version} on {HOST}:{port}, {program.rung} ({program.path.parent}){user}"


def find_running(folder: Path) -> tuple[str, str] | None:
    """Return (database URL, Redis URL) of servers that another process runs on this data folder.

    None when they do not answer. This is how a command in a second terminal finds `nafasi up`.
    """
    folder = settle_folder(folder, server_user())
    ports = read_ports(folder)
    if not {"postgresql", "redis"} <= ports.keys():
        return None
    if not any(is_our_postgres(ports["postgresql"], cluster) for cluster in _clusters(folder)):
        return None
    if not is_our_redis(ports["redis"], folder / "redis"):
        return None
    return _database_url(ports["postgresql"]), _redis_url(ports["redis"])


def _locale_words(major: int) -> list[str]:
    """Choose code-point order and Unicode letters on every version and system."""
    if major >= 17:
        return ["--locale-provider=builtin", "--locale=C.UTF-8"]
    if os.uname().sysname == "Darwin":
        return ["--locale=C", "--lc-ctype=UTF-8"]
    return ["--locale=C.UTF-8"]


def _clusters(folder: Path) -> list[Path]:
    return [path.parent for path in folder.glob("postgresql-[0-9]*/PG_VERSION")]


def _database_url(port: int) -> str:
    return f"postgresql+psycopg://{SUPERUSER}@{HOST}:{port}/{DATABASE}"


def _redis_url(port: int) -> str:
    return f"redis://{HOST}:{port}/0"
