"""What a test asks the system about processes and ports after something was stopped or killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

GONE_SECONDS = 15.0


def parents() -> dict[int, int]:
    """Return the parent of every living process; zombies do not live."""
    found: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    found[int(folder.name)] = int(parent)
    return found


def descendants(pid: int) -> set[int]:
    """Return all living processes below this one."""
    known = parents()
    family = {pid}
    while more := {child for child, parent in known.items() if parent in family} - family:
        family |= more
    return family - {pid}


def family(child_pid: int) -> set[int]:
    """Return a guarded child, its guard and all that the child started."""
    guard = parents()[child_pid]
    return {guard} | descendants(guard)


def eventually(truth: Callable[[], bool], seconds: float = GONE_SECONDS) -> bool:
    """Wait until it is true; say whether it became so."""
    give_up_at = time.monotonic() + seconds
    while not truth():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


def all_gone(pids: set[int]) -> bool:
    """Wait until none of these processes lives; say whether that came."""
    return eventually(lambda: not pids & parents().keys())


def is_open(port: int) -> bool:
    """Tell whether somebody listens on this port."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def python_process(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program in a process (and group) of its own, to be killed in various ways."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def read_line(process: subprocess.Popen[str]) -> str:
    """Return the next line that the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def kill(pid: int) -> None:
    """Send SIGKILL."""
    os.kill(pid, signal.SIGKILL)
