"""Where local servers keep what they have: as asked, out of reach, half made, left behind."""

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.web.local.launching import WHEEL_ENVIRON, WHEELS, ask, on_wheels
from web.local.folders import (
    LocalError,
    is_reachable,
    make_folder,
    make_temporary_folder,
    server_user,
    settle_folder,
)
from web.local.servers import LocalServers


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
