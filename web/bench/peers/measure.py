"""``nafasi bench hops --peers``: our hop beside floors and beside what others' libraries do.

One machine, one run, one process each, 16 callers, a dialogue of four hops: the dial, a menu, a
menu, and a last answer. Ours is the application itself with all it does (lease, repeated hops,
options as offered, the way back, a redial that goes on); the others keep a state.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

from core.settings import Settings
from web.bench.callers import Hop, Script, Tally, dialogue, play
from web.bench.hops import (
    CALLERS,
    ROUNDS,
    WARM_UP_SECONDS,
    Serving,
    median,
    msisdn,
    wait_ready,
    web,
)
from web.bench.own import interpreter, own_servers
from web.commands.processes import web_words
from web.local.probes import HOST, free_port
from web.local.servers import LocalServers

PACKAGES = ("ussd-menu-builder@1.2.0", "ussd-state-builder@2.6.0", "redis@4.7.1", "express@4.22.1")
INSTALL_SECONDS = 180
FLOORS = ("raw", "two", "script", "piped")
# Ours against the least that a durable hop costs, and against the best that can be installed.
GOAL_TO_FLOOR, GOAL_TO_PEER = 0.6, 1.2
HERE = Path(__file__).parent


class NoNode(Exception):
    """Others' libraries cannot be run here; the text says what is missing."""


def measure_peers(seconds: float) -> dict[str, Any]:
    """Run all side by side, in turns, and return the published figures.

    Args:
        seconds: how long each runs in each of the rounds.

    Raises:
        NoNode: node or npm is missing, or npm cannot install.
    """
    with contextlib.ExitStack() as stack:
        modules = stack.enter_context(installed())
        servers = stack.enter_context(own_servers(durable=True))
        secret = Settings().callback_secret.get_secret_value()
        ours = stack.enter_context(web(servers))
        floors = stack.enter_context(_floors(servers))
        at: dict[str, tuple[Serving, str, Script]] = {
            "nafasi": (ours, f"/hooks/africastalking/{secret}/ussd", _ours),
            **{f"floor_{name}": (floors, f"/{name}", _theirs) for name in FLOORS},
        }
        for name in ("menu_builder", "state_builder"):
            served = stack.enter_context(_node(modules, name, servers.redis_url))
            at[name] = (served, "/ussd", _theirs)
        return uvloop.run(_measure(at, seconds)) | {
            "packages": list(PACKAGES),
            "node": subprocess.check_output(["node", "--version"], text=True).strip(),  # noqa: S607
            "servers": servers.describe(),
            "python": interpreter(),
        }


async def _measure(at: dict[str, tuple[Serving, str, Script]], seconds: float) -> dict[str, Any]:
    first = int(time.time()) * 1_000_000  # noqa: TID251 -- only to tell runs apart.
    rounds: dict[str, list[Tally]] = {name: [] for name in at}
    busy = dict.fromkeys(at, 0.0)
    for length in (WARM_UP_SECONDS, *[seconds] * ROUNDS):
        for name, (served, path, script) in at.items():
            first += 10_000_000
            before = cpu_seconds(served.pid)
            tally = await play(HOST, served.port, path, script, CALLERS, length, first)
            rounds[name].append(tally)
            if len(rounds[name]) > 1:
                busy[name] += cpu_seconds(served.pid) - before
    middle = {name: median(tallies[1:]) for name, tallies in rounds.items()}
    rate = {name: tally.rate() for name, tally in middle.items()}
    return {
        "callers": CALLERS,
        "hops_a_dialogue": len(_theirs(0)),
        "rounds": ROUNDS,
        "seconds_each": seconds,
        **{
            name: tally.summary() | {"cpu_us_a_hop": _cpu_us(busy[name], rounds[name][1:])}
            for name, tally in middle.items()
        },
        "ratio_to_two_round_trips": round(rate["nafasi"] / rate["floor_two"], 3),
        "goal_to_two_round_trips": GOAL_TO_FLOOR,
        "ratio_to_state_builder": round(rate["nafasi"] / rate["state_builder"], 3),
        "goal_to_state_builder": GOAL_TO_PEER,
        "ratio_to_menu_builder": round(rate["nafasi"] / rate["menu_builder"], 3),
        "cores": os.cpu_count(),
    }


def _cpu_us(seconds: float, tallies: list[Tally]) -> int:
    """What a hop took of the server's processor, which others on the machine do not change."""
    return round(seconds * 1_000_000 / sum(len(tally.seconds) for tally in tallies))


def cpu_seconds(pid: int) -> float:
    """Return how long a process has used a processor, by ``/proc`` (proc(5), fields 14 and 15)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _ours(number: int) -> list[Hop]:
    """Category, town, and home again, so that the next call has nothing to go on with."""
    return dialogue(number, msisdn(number), ["1", "1", "00"])


def _theirs(number: int) -> list[Hop]:
    return dialogue(number, msisdn(number), ["1", "1", "2512"], last=b"END ")


@contextlib.contextmanager
def installed() -> Iterator[Path]:
    """Have others' packages in a folder of their own, gone afterwards.

    Raises:
        NoNode: node or npm is missing, or npm cannot install.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NoNode("node and npm are missing: on Debian, apt install nodejs npm")
    with tempfile.TemporaryDirectory(prefix="nafasi-peers-") as folder:
        words = (npm, "install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts")
        done = subprocess.run(
            [*words, "--prefix", folder, *PACKAGES],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise NoNode(f"npm cannot install: {said[-1] if said else done.returncode}")
        yield Path(folder)


@contextlib.contextmanager
def _node(folder: Path, name: str, redis_url: str) -> Iterator[Serving]:
    # A script looks for packages from where it lies.
    script = Path(shutil.copy(HERE / f"{name}.js", folder))
    port = free_port(None)
    environ = {
        "PATH": os.environ["PATH"],
        "NODE_ENV": "production",
        "PORT": str(port),
        "REDIS_URL": redis_url,
    }
    with _process(["node", str(script)], environ, folder) as pid:
        wait_ready(port, "/")
        yield Serving(port, pid)


@contextlib.contextmanager
def _floors(servers: LocalServers) -> Iterator[Serving]:
    port = free_port(None)
    words = [
        word.replace("web.main:app", "web.bench.peers.floors:make")
        for word in (*web_words(HOST, port), "--factory")
    ]
    environ = {**os.environ, "NAFASI_REDIS_URL": servers.redis_url}
    with _process(words, environ, Path(__file__).parents[3]) as pid:
        wait_ready(port, "/raw")
        yield Serving(port, pid)


@contextlib.contextmanager
def _process(words: list[str], environ: dict[str, str], folder: Path) -> Iterator[int]:
    process = subprocess.Popen(words, env=environ, cwd=folder)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()
