"""A small process that stands between us and each process we start, so that nothing outlives us.

Run as a script (`python -I -S guard.py NAME=VALUE ... -- COMMAND ...`) by `web.local.processes`;
it imports little, so that it is up in a few hundredths of a second.

The guard keeps one end of a socket pair, the lifeline. The other end belongs to the process that
asked for the child; the kernel closes it when that process ends in whatever way, kill -9 included.
Then the guard sends the child its stop signal, waits, kills what is left, and ends. Stopping on
purpose is the same act: the owner closes its end. On Linux the guard is also a "subreaper"
(prctl(2), PR_SET_CHILD_SUBREAPER): descendants whose parent died are handed to it, so that pool
workers of a killed Celery or backends of a killed postmaster are found and killed too. Elsewhere
the child's process group is killed instead. If the guard itself is killed, Linux sends the child
its death signal (PR_SET_PDEATHSIG). That one is set after the change of user, which would clear
it, and the thread whose end fires it is the guard's only thread.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

PARENT_CHECK_SECONDS = 1.0
SWEEP_SECONDS = 5.0
SWEEP_PAUSE_SECONDS = 0.02
EXEC_FAILED = 127

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_HANDLED = (*_STOP_SIGNALS, signal.SIGCHLD)


def main(words: list[str]) -> int:
    """Run the command until it ends or must end; return its exit code (128 + n after signal n)."""
    split = words.index("--")
    options = {name: value for name, _, value in (word.partition("=") for word in words[:split])}
    owner = os.getppid()
    lifeline = socket.socket(fileno=int(options["lifeline"]))
    lifeline.set_inheritable(False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    woken = _wake_on_signals()
    child = _spawn(words[split + 1 :], options)
    lifeline.sendall(f"{child}\n".encode())
    status = _watch(child, owner, lifeline, woken, options)
    _sweep(child)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _wake_on_signals() -> int:
    """Return a descriptor from which the number of each arriving signal can be read."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _HANDLED:
        signal.signal(number, lambda _number, _frame: None)
    return reading


def _spawn(command: list[str], options: dict[str, str]) -> int:
    guard = os.getpid()
    # A signal that came between fork and exec would be swallowed by our handlers: hold it back.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        return child
    try:
        # Python ignores SIGPIPE, and what is ignored stays so over exec.
        for number in (*_HANDLED, signal.SIGPIPE, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        os.setpgid(0, 0)
        if "uid" in options:
            os.setgroups([])
            os.setgid(int(options["gid"]))
            os.setuid(int(options["uid"]))
        _prctl(_PR_SET_PDEATHSIG, int(options["death_signal"]))
        if os.getppid() != guard:
            os._exit(EXEC_FAILED)
        if "cwd" in options:
            os.chdir(options["cwd"])
        os.execvp(command[0], command)  # noqa: S606 - the command is our own list of words.
    except OSError as error:
        os.write(2, f"cannot run {command[0]}: {error.strerror}\n".encode())
    os._exit(EXEC_FAILED)


def _watch(
    child: int, owner: int, lifeline: socket.socket, woken: int, options: dict[str, str]
) -> int:
    """Wait for the child's end, asking for it once the owner is gone or we are told to stop."""
    kill_at: float | None = None
    watched: list[socket.socket | int] = [woken, lifeline]
    while (status := _reap(child)) is None:
        left = PARENT_CHECK_SECONDS if kill_at is None else kill_at - time.monotonic()
        ready, _, _ = select.select(watched, [], [], max(0.0, left))
        signals = _drain(woken) if woken in ready else b""
        # The owner's number is looked at as well: a fork of it may hold the lifeline open.
        must_stop = (
            lifeline in ready or os.getppid() != owner or any(n in _STOP_SIGNALS for n in signals)
        )
        if kill_at is None and must_stop:
            os.kill(child, int(options["stop_signal"]))
            kill_at = time.monotonic() + float(options["stop_seconds"])
            watched = [woken]
        elif kill_at is not None and time.monotonic() >= kill_at:
            os.kill(child, signal.SIGKILL)
            kill_at = time.monotonic() + PARENT_CHECK_SECONDS
    return status


def _drain(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 512)
    except BlockingIOError:
        return b""


def _reap(child: int) -> int | None:
    """Collect every ended process, adopted ones too; return the child's status once it is in."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            return status
        if pid == 0:
            return None


def _sweep(child: int) -> None:
    """Kill whatever the child left behind, until the kernel says that we have no process left."""
    give_up_at = time.monotonic() + SWEEP_SECONDS
    while time.monotonic() < give_up_at:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        for orphan in _own_children():
            os.kill(orphan, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(SWEEP_PAUSE_SECONDS)


def _own_children() -> list[int]:
    if sys.platform != "linux":
        return []
    own: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            # A process may end while we look at it.
            with contextlib.suppress(OSError):
                facts = (folder / "stat").read_bytes()
                # The command's name stands in brackets and may hold spaces: read after them.
                if int(facts.rpartition(b")")[2].split()[1]) == os.getpid():
                    own.append(int(folder.name))
    return own


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
