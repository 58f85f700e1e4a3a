"""Processes that we start: guarded (nothing outlives us), watched, restarted, stopped in order.

`Child` is one process behind its guard (`web.local.guard`). `Supervisor` runs several of them
under one terminal. `stops_on_signals` turns the first SIGINT, SIGTERM or SIGHUP into an orderly
unwinding of the `with` blocks inside it.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Self

from web.local import guard
from web.local.folders import LocalError, RunAs

GUARD_START_SECONDS = 20.0
GUARD_MARGIN_SECONDS = guard.SWEEP_SECONDS + 2
READY_POLL_SECONDS = 0.05
WATCH_SECONDS = 0.2
RESTARTS_MAX = 5
RESTART_WINDOW_SECONDS = 60.0
BACKOFF_SECONDS = 0.5
LINE_BYTES_MAX = 8_192
TAIL_LINES_MAX = 15
LOG_BYTES_MAX = 16 * 1024 * 1024


class ChildFailed(LocalError):
    """A process of ours did not start, did not get ready, or keeps ending."""


@dataclass(frozen=True)
class ChildSpec:
    """What to run and how to treat it.

    `ready` is asked again and again until it says True; it must have a time limit of its own.
    `stop_signal` goes to the process alone (not to its children), and after `stop_seconds`
    everything it started is killed. `death_signal` is what Linux sends it if its guard is killed.
    With `log_path` its output is appended there, otherwise it comes line by line to the `Child`'s
    `write_line`.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] | None = None
    cwd: Path | None = None
    run_as: RunAs | None = None
    before_start: Callable[[], None] | None = None
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 5.0
    death_signal: signal.Signals = signal.SIGTERM
    log_path: Path | None = None
    keep_fds: tuple[int, ...] = ()


def print_prefixed(name: str, line: str) -> None:
    """Write one line of a child's output to our own, after the child's name."""
    sys.stdout.write(f"{name:<10}| {line}\n")
    sys.stdout.flush()


class Child:
    """One process behind its guard. May be started again after it ended."""

    def __init__(
        self, spec: ChildSpec, write_line: Callable[[str, str], None] = print_prefixed
    ) -> None:
        self.spec = spec
        self.pid: int | None = None
        self._write_line = write_line
        self._tail: deque[str] = deque(maxlen=TAIL_LINES_MAX)
        self._guard: subprocess.Popen[bytes] | None = None
        self._lifeline: socket.socket | None = None
        self._reader: threading.Thread | None = None

    @property
    def started(self) -> bool:
        """Whether the process was started and not yet stopped or found ended."""
        return self._guard is not None

    def start(self) -> None:
        """Start the process; returns as soon as it exists. Raises ChildFailed."""
        if self.spec.before_start is not None:
            self.spec.before_start()
        ours, theirs = socket.socketpair()
        self._lifeline = ours
        with theirs, self._output() as output:
            self._guard = subprocess.Popen(
                self._guard_command(theirs.fileno()),
                env=self.spec.environ,
                stdin=subprocess.DEVNULL,
                stdout=output or subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(), *self.spec.keep_fds),
                start_new_session=True,  # The terminal's Ctrl-C is for us; we stop them in order.
            )
        if self._guard.stdout is not None:
            self._reader = threading.Thread(
                target=self._read, args=(self._guard.stdout,), name=self.spec.name, daemon=True
            )
            self._reader.start()
        ours.settimeout(GUARD_START_SECONDS)
        with suppress(TimeoutError, ConnectionError):
            self.pid = int(ours.recv(32) or 0) or None
        if self.pid is None:
            self.stop()
            raise ChildFailed(f"{self.spec.name}: its guard did not start.\n{self.tail()}")

    def wait_ready(self) -> None:
        """Wait until the process does its job. Raises ChildFailed with its last words."""
        give_up_at = time.monotonic() + self.spec.ready_seconds
        while True:
            code = self.poll()
            if code is not None:
                raise ChildFailed(f"{self.spec.name} ended with code {code}.\n{self.tail()}")
            if self.spec.ready is None or self.spec.ready():
                return
            if time.monotonic() > give_up_at:
                raise ChildFailed(
                    f"{self.spec.name} is not ready after {self.spec.ready_seconds:g} s.\n"
                    f"{self.tail()}"
                )
            time.sleep(READY_POLL_SECONDS)

    def poll(self) -> int | None:
        """Return the exit code once the process has ended and all it started is gone."""
        if self._guard is None or self._guard.poll() is None:
            return None
        return self._finish()

    def wait(self, seconds: float) -> int:
        """Wait for the process to end by itself and return its exit code. Raises ChildFailed."""
        assert self._guard is not None, "start() comes first"
        try:
            self._guard.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise ChildFailed(
                f"{self.spec.name} took longer than {seconds:.0f} s.\n{self.tail()}"
            ) from None
        return self._finish()

    def stop(self) -> None:
        """End the process and all it started; returns when they are gone. Safe to call twice."""
        self._close_lifeline()
        if self._guard is None:
            return
        try:
            self._guard.wait(self.spec.stop_seconds + GUARD_MARGIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self._finish()

    def tail(self) -> str:
        """Return the last lines that the process wrote."""
        if self.spec.log_path is None:
            return "\n".join(self._tail)
        with suppress(OSError), self.spec.log_path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LINE_BYTES_MAX))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-TAIL_LINES_MAX:])
        return ""

    def _guard_command(self, lifeline_fd: int) -> list[str]:
        spec = self.spec
        options = {
            "lifeline": lifeline_fd,
            "stop_signal": int(spec.stop_signal),
            "stop_seconds": spec.stop_seconds,
            "death_signal": int(spec.death_signal),
        }
        words = [f"{name}={value}" for name, value in options.items()]
        if spec.run_as is not None:
            words += [f"uid={spec.run_as.uid}", f"gid={spec.run_as.gid}"]
        if spec.cwd is not None:
            words.append(f"cwd={spec.cwd}")
        return [sys.executable, "-I", "-S", guard.__file__, *words, "--", *spec.command]

    @contextmanager
    def _output(self) -> Iterator[IO[bytes] | None]:
        path = self.spec.log_path
        if path is None:
            yield None
            return
        full = path.exists() and path.stat().st_size > LOG_BYTES_MAX
        with path.open("wb" if full else "ab") as file:
            path.chmod(0o600)
            yield file

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            while raw := pipe.readline(LINE_BYTES_MAX):
                line = raw.decode(errors="replace").rstrip("\r\n")
                self._tail.append(line)
                # Nobody reads our output any more (`| head`): the child's is read on all the same.
                with suppress(BrokenPipeError):
                    self._write_line(self.spec.name, line)

    def _close_lifeline(self) -> None:
        if self._lifeline is not None:
            self._lifeline.close()
            self._lifeline = None

    def _finish(self) -> int:
        assert self._guard is not None
        code = self._guard.returncode
        if code < 0 and self.pid is not None:
            # The guard itself was killed, so nobody swept behind it.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self._close_lifeline()
        if self._reader is not None:
            self._reader.join(GUARD_MARGIN_SECONDS)
        self._guard = self._reader = self.pid = None
        return code


class Supervisor:
    """Several children under one terminal, as a context manager around `watch()`.

    Children start in the order given, each when the one before is ready (those already running
    stay as they are), and stop in the reverse order. One that ends is started again after a pause
    that doubles; after `RESTARTS_MAX` restarts within a minute `watch()` raises ChildFailed.
    """

    def __init__(
        self,
        children: Sequence[Child],
        say: Callable[[str], None] = print,
        backoff_seconds: float = BACKOFF_SECONDS,
    ) -> None:
        self._children = tuple(children)
        self._say = say
        self._backoff_seconds = backoff_seconds
        self._restarts: dict[Child, list[float]] = {child: [] for child in self._children}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the children in order. Raises ChildFailed after stopping those that ran."""
        try:
            for child in self._children:
                if not child.started:
                    child.start()
                    child.wait_ready()
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Keep the children running. Ends only by an exception: a signal's or ChildFailed."""
        while True:
            for child in self._children:
                code = child.poll()
                if code is not None:
                    self._revive(child, f"{child.spec.name} ended with code {code}")
            time.sleep(WATCH_SECONDS)

    def stop(self) -> None:
        """Stop the children, last started first."""
        for child in reversed(self._children):
            child.stop()

    def _revive(self, child: Child, what: str) -> None:
        while True:
            now = time.monotonic()
            recent = [at for at in self._restarts[child] if now - at < RESTART_WINDOW_SECONDS]
            self._restarts[child] = [*recent, now]
            if len(recent) >= RESTARTS_MAX:
                raise ChildFailed(
                    f"{what}. It was restarted {RESTARTS_MAX} times within "
                    f"{RESTART_WINDOW_SECONDS:.0f} s, so everything stops. Its last words:\n"
                    f"{child.tail()}"
                )
            pause_seconds = self._backoff_seconds * 2 ** len(recent)
            self._say(f"{what}; starting it again in {pause_seconds:g} s.")
            time.sleep(pause_seconds)
            try:
                child.start()
                child.wait_ready()
            except ChildFailed as failure:
                child.stop()
                what = str(failure).splitlines()[0].rstrip(".")
            else:
                return


class StopRequested(BaseException):
    """Somebody asked this process to end. Not an Exception: no handler for errors may eat it."""


@contextmanager
def stops_on_signals() -> Iterator[None]:
    """Leave this block in order at the first SIGINT, SIGTERM or SIGHUP; further ones are ignored.

    Main thread only. What is inside is unwound by StopRequested, which ends here. A stop has its
    own deadlines, and if we are killed meanwhile the guards finish the work.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def request(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise StopRequested

    before = {number: signal.signal(number, request) for number in numbers}
    try:
        yield
    except StopRequested:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
