"""Every way in which local servers end, and how they start again after it."""

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

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
from tests.web.local.launching import OWNER, ask, connect, on_wheels, port_of
from web.local.folders import FolderInUse, hold_lock, server_user, settle_folder
from web.local.processes import Child, ChildFailed, ChildSpec, Supervisor

# Each starts servers of its own: played by `make check`.
pytestmark = pytest.mark.proof


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
