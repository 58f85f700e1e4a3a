"""What commands share: settings that find a running ``nafasi up``, and output for two readers.

Data goes to stdout, everything else to stderr, so that ``nafasi check --json | jq`` works.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console

if TYPE_CHECKING:
    from core.db.tx import Database, Tx
    from core.settings import Settings

T = TypeVar("T")
Shows = TypeVar("Shows", bound=Callable[..., None])
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]

RUNNING_NAME = "up.json"
# Where a trial keeps its data, so that commands in other terminals find it.
DATA_VARIABLE = "NAFASI_DATA"

# Somebody else had a row for too long, or wanted ours while we wanted theirs.
TAKEN_SQLSTATES = frozenset({"55P03", "40P01", "40001"})
SETTINGS_UNUSABLE = "These settings cannot be used:"

say = Console(stderr=True, highlight=False, soft_wrap=True)
"""Where progress and sentences go. Honours NO_COLOR and pipes."""


def data_folder(asked: Path | None) -> Path:
    """Return the data folder of local trials."""
    from web.local.folders import default_data_folder, server_user, settle_folder

    chosen = asked or (Path(named) if (named := os.environ.get(DATA_VARIABLE)) else None)
    return settle_folder(chosen or default_data_folder(os.environ), server_user())


def running_file(asked: Path | None) -> Path:
    """Return where ``nafasi up`` says how it can be reached."""
    return data_folder(asked) / RUNNING_NAME


def write_running(path: Path, environ: dict[str, str]) -> None:
    """Say how this ``nafasi up`` can be reached; readable by us alone."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"pid": os.getpid(), "environ": environ}, file)


def find_running(asked: Path | None) -> dict[str, str]:
    """Return the settings of a running ``nafasi up``, as environment variables; else nothing."""
    try:
        found = json.loads(running_file(asked).read_text())
        os.kill(found["pid"], 0)
    except (OSError, ValueError, KeyError):
        return {}
    return dict(found["environ"])


def load_settings(data: Path | None = None) -> "Settings":
    """Return the settings; what the environment does not say comes from a running trial.

    Ends the command with a list of what is wrong when they cannot be used.
    """
    from pydantic import ValidationError

    from core.settings import BadSettings, Settings

    if "NAFASI_DATABASE_URL" not in os.environ:
        for name, value in find_running(data).items():
            os.environ.setdefault(name, value)
    try:
        return Settings.load()
    except BadSettings as error:
        fail(SETTINGS_UNUSABLE, *error.data["problems"])
    except (ValidationError, OSError) as error:
        fail(f"These settings cannot be read: {error}")


@contextmanager
def open_database(settings: "Settings") -> Iterator["Database"]:
    """Open the database for one command, with the providers' routes: they say how money moves.

    A sentence instead of a trace when it is not there, or when others have what is to be changed.
    """
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from channels.registry import build_health, build_routes
    from core.bootstrap import build_clock, build_database
    from core.settings import BadSettings

    try:
        health = build_health(settings)
        routes = build_routes(settings, health)
    except BadSettings as error:
        fail(SETTINGS_UNUSABLE, *error.data["problems"])
    try:
        database = build_database(settings, build_clock(settings), pool_size=2, routes=routes)
        try:
            yield database
        finally:
            database.close()
            health.close()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) in TAKEN_SQLSTATES:
            fail("Somebody else is working on the same booking or vendor just now. Try again.")
        fail("The database does not answer. Is `nafasi up` running, or NAFASI_DATABASE_URL right?")
    except ProgrammingError as error:
        fail(f"The database is not of this version ({error.orig}). Run `nafasi migrate`.")


def forget_callers(*msisdns: str) -> None:
    """Let the next call of these numbers ask anew who they are; a trial without Redis goes on."""
    import redis

    from sessions.store import forget_person

    client = redis.Redis.from_url(load_settings().redis_url, socket_timeout=2)
    try:
        for msisdn in msisdns:
            forget_person(client, msisdn)
    except redis.RedisError:
        say.print("Redis does not answer: a call within the hour may not know of it yet.")
    finally:
        client.close()


def fail(*lines: str) -> NoReturn:
    """Say why and end with code 2: the command could not do its work."""
    for line in lines:
        say.print(line, style="red", markup=False)
    raise typer.Exit(2)


@contextmanager
def refusals(sentences: Mapping[str, str]) -> Iterator[None]:
    """End the command with a sentence when the core refuses.

    Args:
        sentences: what each refusal's code means to whoever typed the command; its data fills
            the blanks, a list as its words. A code without a sentence is said as it is.
    """
    from core.errors import Refused

    try:
        yield
    except Refused as refused:
        said = {
            name: ", ".join(value) if isinstance(value, list) else value
            for name, value in refused.data.items()
        }
        fail(sentences.get(refused.code, refused.code).format(**said))


def decided(decide: "Callable[[Tx], T]", *, sentences: Mapping[str, str]) -> T:
    """Run a use case in one transaction; a refusal ends the command with a sentence."""
    with refusals(sentences), open_database(load_settings()) as database:
        return database.run(decide)


def lists(app: typer.Typer) -> Callable[[Shows], Shows]:
    """Let a noun alone list, as ``list`` after it does: ``nafasi cases``, ``nafasi cases list``.

    Args:
        app: the noun's commands.

    Returns:
        a decorator for what lists, which takes ``as_json`` and, if at all, options of its own.
    """

    def keep(show: Shows) -> Shows:
        def alone(context: typer.Context, *, as_json: Json = False) -> None:
            if context.invoked_subcommand is None:
                show(as_json=as_json)

        app.callback(invoke_without_command=True)(alone)
        app.command("list")(show)
        return show

    return keep


def put_json(value: Any) -> None:
    """Write one JSON document to stdout."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
