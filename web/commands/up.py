"""``nafasi up``: the whole of Nafasi under one terminal."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.commands.setup import DATA_VARIABLE, fail, running_file, say, write_running

if TYPE_CHECKING:
    from web.local.processes import ChildSpec

READY_SECONDS = 60.0
PROBE_SECONDS = 3.0
STOP_SECONDS = 8.0
# Nobody's: a trial's receipts show that they are of a trial.
TRIAL_PIN = "P000000000T"
TRIAL_ACCOUNT = f"AC{0:032x}"
COLOURS = {"web": "36", "worker": "33", "beat": "35", "simulator": "32"}


def up(
    host: Annotated[str, typer.Option(help="Where the web server listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its port.", min=1, max=65_535)] = 8000,
    data: Annotated[
        Path | None, typer.Option(help="Folder for data, kept over runs.", envvar=DATA_VARIABLE)
    ] = None,
    *,
    demo: Annotated[bool, typer.Option(help="Fill in vendors and listings to try.")] = True,
    simulator: Annotated[bool, typer.Option(help="Run simulated phones and providers.")] = True,
) -> None:
    """Start everything: database, Redis, web, workers, simulated phones. Ctrl-C stops it all."""
    from web.local.folders import LocalError, default_data_folder
    from web.local.probes import is_free
    from web.local.processes import stops_on_signals
    from web.local.servers import LocalServers

    if not is_free(port):
        fail(f"Port {port} is taken. Choose another: nafasi up --port {port + 10}")
    folder = data or default_data_folder(os.environ)
    try:
        with stops_on_signals(), LocalServers(folder) as servers:
            for line in servers.describe():
                say.print(line, style="dim", markup=False)
            environ = {
                "NAFASI_ENV": os.environ.get("NAFASI_ENV", "local"),
                "NAFASI_DATABASE_URL": servers.database_url,
                "NAFASI_REDIS_URL": servers.redis_url,
                "NAFASI_JOURNAL_FOLDER": os.environ.get(
                    "NAFASI_JOURNAL_FOLDER", str(servers.folder / "journal")
                ),
                "NAFASI_PUBLIC_URL": os.environ.get(
                    "NAFASI_PUBLIC_URL", f"http://{_reachable(host)}:{port}"
                ),
            }
            specs = [*_web_specs(host, port), *_worker_specs()]
            if simulator:
                specs.insert(0, _simulator_spec(servers.folder, environ))
            os.environ.update(environ)
            _prepare(demo=demo)
            _run(servers, specs, running_file(data), environ)
    except LocalError as error:
        fail(str(error))
    say.print("Stopped. Nothing is left running.")


def _reachable(host: str) -> str:
    """Return how this machine calls itself when it listens everywhere."""
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104


def _prepare(*, demo: bool) -> None:
    """Migrate and fill the database."""
    from web.commands.migrate import bring_up_to_date
    from web.commands.seed import seed_demo
    from web.commands.setup import load_settings, open_database

    settings = load_settings()
    with say.status("Preparing the database"):
        bring_up_to_date(settings)
    if demo:
        with open_database(settings) as database:
            seed_demo(database)


def _run(
    servers: "object",
    specs: list["ChildSpec"],
    running: Path,
    environ: Mapping[str, str],
) -> None:
    from dataclasses import replace

    from web.local.processes import Child, Supervisor
    from web.local.servers import LocalServers

    assert isinstance(servers, LocalServers)
    # A person reads this terminal: it shows trouble, unless more is asked for.
    whole = {"NAFASI_LOG_LEVEL": "WARNING", **os.environ, "PYTHONUNBUFFERED": "1"}
    children = [Child(replace(spec, environ=whole), _line_writer()) for spec in specs]
    supervisor = Supervisor([*servers.children, *children], say.print)
    write_running(running, dict(environ))
    try:
        with say.status("Starting"):
            supervisor.start()
        _introduce(environ)
        supervisor.watch()
    finally:
        supervisor.stop()
        running.unlink(missing_ok=True)


def _line_writer() -> Callable[[str, str], None]:
    """Return what writes a child's lines after its name, in colour where that shows."""
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def write(name: str, line: str) -> None:
        label = f"{name:<9}"
        if coloured:
            label = f"\x1b[{COLOURS.get(name, '0')}m{label}\x1b[0m"
        sys.stdout.write(f"{label} | {line}\n")
        sys.stdout.flush()

    return write


def _web_specs(host: str, port: int) -> list["ChildSpec"]:
    from web.commands.processes import web_words
    from web.local.processes import ChildSpec

    address = f"http://{_reachable(host)}:{port}/readyz"
    return [
        ChildSpec(
            name="web",
            command=web_words(host, port),
            ready=lambda: _answers(address),
            ready_seconds=READY_SECONDS,
            stop_seconds=STOP_SECONDS,
        )
    ]


def _worker_specs() -> list["ChildSpec"]:
    from web.commands.processes import beat_words, worker_words
    from web.local.processes import ChildSpec

    return [
        ChildSpec(name="worker", command=worker_words(), stop_seconds=STOP_SECONDS),
        ChildSpec(name="beat", command=beat_words(), stop_seconds=STOP_SECONDS),
    ]


def _simulator_spec(folder: Path, environ: dict[str, str]) -> "ChildSpec":
    """Describe the simulators' process, and point the adapters at it."""
    from channels.registry import GATEWAYS, SMS_ROUTES
    from web.commands.processes import simulator_words
    from web.commands.simulator import make_key_pair
    from web.local.probes import free_port
    from web.local.processes import ChildSpec

    port = free_port(None)
    url = f"http://127.0.0.1:{port}"
    _key, certificate_file = make_key_pair(folder)
    environ |= {
        "NAFASI_SIMULATOR_URL": url,
        "NAFASI_USSD_GATEWAYS": ",".join(GATEWAYS),
        "NAFASI_AFRICASTALKING_BASE_URL": f"{url}/africastalking",
        "NAFASI_SMS_ROUTES": os.environ.get("NAFASI_SMS_ROUTES", ",".join(SMS_ROUTES)),
        "NAFASI_TWILIO_BASE_URL": f"{url}/twilio",
        "NAFASI_TWILIO_ACCOUNT_SID": TRIAL_ACCOUNT,
        "NAFASI_KANNEL_BASE_URL": f"{url}/kannel",
        "NAFASI_DARAJA_BASE_URL": f"{url}/daraja",
        "NAFASI_FLUTTERWAVE_BASE_URL": f"{url}/flutterwave/v3",
        "NAFASI_FLUTTERWAVE_ENABLED": "true",
        "NAFASI_ETIMS_BASE_URL": f"{url}/etims",
        "NAFASI_ETIMS_ENABLED": "true",
        "NAFASI_COMPANY_PIN": os.environ.get("NAFASI_COMPANY_PIN", TRIAL_PIN),
        "NAFASI_DARAJA_CERTIFICATE_FILE": str(certificate_file),
    }
    return ChildSpec(
        name="simulator",
        command=simulator_words("127.0.0.1", port, str(folder)),
        ready=lambda: _answers(f"{url}/healthz"),
        ready_seconds=READY_SECONDS,
        stop_seconds=STOP_SECONDS,
    )


def _answers(url: str) -> bool:
    import httpx

    try:
        return httpx.get(url, timeout=PROBE_SECONDS, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _introduce(environ: Mapping[str, str]) -> None:
    """Say where everything is, and what to try first."""
    from core.settings import Settings

    url, code = environ["NAFASI_PUBLIC_URL"], Settings.load().ussd_code
    stem = code.removesuffix("#")
    lines = [
        "",
        f"Nafasi is ready: {url}",
    ]
    if "NAFASI_SIMULATOR_URL" in environ:
        lines += [
            f"Phones to try it with: {url}/simulator",
            "",
            "Try this",
            f"  1. On the phone +254700000001 dial {stem}*4507#, choose a day and book.",
            "  2. The vendor +254700000011 gets an SMS: answer as it says.",
            "  3. Back on +254700000001: dial again, My bookings, Pay, and approve the prompt.",
            "  4. `nafasi clock advance 14d`: the event passes, Monday comes, the vendor is paid.",
            "  5. `nafasi ledger` and `nafasi check`: every shilling is accounted for.",
            "",
            "Customers +254700000001 to 006; vendors +254700000011 to 014.",
            "A phone in the terminal: nafasi phone +254700000001",
        ]
    lines += ["", "Ctrl-C stops everything."]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
