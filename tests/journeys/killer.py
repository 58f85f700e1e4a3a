"""Finds the processes of a running `nafasi up` and kills them, with the signal nobody can catch.

Every process of ours stands behind a guard, whose command line ends with what it runs; that is
how they are told apart, whatever title a server gives itself later.
"""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.trial import Trial

# R4 of the core anchors.
RECOVERY_SECONDS_MAX = 60.0
POOL_PROCESSES = 2
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Kill:
    """Who was killed, and how long it took until everything was there again."""

    name: str
    recovery_seconds: float


class Killer:
    """Kills one after another and waits each time until all is well again."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self.kills: list[Kill] = []

    def kill(self, name: str) -> None:
        """Kill `web`, `worker`, `pool child`, `beat`, `valkey` or `postgresql`."""
        before = self.processes()
        victim = before[name][0]
        os.kill(victim, signal.SIGKILL)
        killed_at = time.monotonic()
        while not self._is_back(name, victim):
            assert time.monotonic() - killed_at < RECOVERY_SECONDS_MAX, (
                f"{name} did not come back\n{self._trial.log()[-3000:]}"
            )
            time.sleep(LOOK_SECONDS)
        self.kills.append(Kill(name, time.monotonic() - killed_at))

    def kill_all_and_start_again(self, start: Callable[[], None]) -> None:
        """Kill `nafasi up` itself, wait until nothing of it is left, and start it again."""
        assert self._trial.process is not None
        everything = [pid for pids in self.processes().values() for pid in pids]
        killed_at = time.monotonic()
        self._trial.process.kill()
        self._trial.process.wait()
        while any(Path(f"/proc/{pid}").exists() for pid in everything):
            assert time.monotonic() - killed_at < RECOVERY_SECONDS_MAX, "orphans live on"
            time.sleep(LOOK_SECONDS)
        start()
        self.kills.append(Kill("nafasi up", time.monotonic() - killed_at))

    def processes(self) -> dict[str, list[int]]:
        """Return the ids of what runs now, by name."""
        assert self._trial.process is not None
        tree = _children_by_parent()
        found: dict[str, list[int]] = {}
        for guard in tree.get(self._trial.process.pid, ()):
            name = _name_of(guard)
            if name is not None:
                found.setdefault(name, []).extend(tree.get(guard, ()))
        for worker in found.get("worker", ()):
            found["pool child"] = tree.get(worker, [])
        return found

    def _is_back(self, name: str, victim: int) -> bool:
        now = self.processes()
        return (
            bool(now.get(name))
            and victim not in now[name]
            and len(now.get("pool child", ())) == POOL_PROCESSES
            and self._trial.ready()
        )


def _children_by_parent() -> dict[int, list[int]]:
    tree: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # The command's name stands in brackets and may hold spaces: read after them.
                facts = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue  # It has ended meanwhile.
            if facts[0] != b"Z":
                tree.setdefault(int(facts[1]), []).append(int(folder.name))
    return tree


def _name_of(guard: int) -> str | None:
    try:
        words = Path(f"/proc/{guard}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return None
    if "--" not in words:
        return None
    command = words[words.index("--") + 1 :]
    if "uvicorn" in command:
        return "web"
    if "celery" in command:
        return "worker" if "worker" in command else "beat"
    program = Path(command[0]).name
    return "postgresql" if program == "postgres" else "valkey"
