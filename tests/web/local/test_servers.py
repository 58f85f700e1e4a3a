"""The launcher on real servers: every rung, the next time, and beside other runs."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from tests.web.local.aftermath import family, is_open, parents
from tests.web.local.launching import (
    AS_INSTALLED,
    WHEEL_ENVIRON,
    WHEELS,
    ask,
    connect,
    on_wheels,
    port_of,
)
from web.local.binaries import EXTENSIONS, Places, ServersMissing, find_binaries
from web.local.folders import FolderInUse, hold_lock, make_folder, server_user, settle_folder
from web.local.servers import LocalServers, find_running


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
