"""Our own processes: started in order, restarted, stopped in order, and nothing left behind."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.web.local.aftermath import (
    all_gone,
    descendants,
    eventually,
    family,
    kill,
    parents,
    python_process,
    read_line,
)
from web.local import processes
from web.local.processes import Child, ChildFailed, ChildSpec, Supervisor

# A main process with two forked workers that ignore SIGTERM and leave its process group, which is
# worse than what a Celery pool does.
POOL = """
import os, signal, sys, time
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
def leave(*_):
    print("pool says bye", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("pool is up", flush=True)
time.sleep(600)
"""

SLEEPER = ("sleep", "600")

POLITE = "trap 'sleep 0.5; echo web says bye; exit' TERM; while :; do sleep 0.1; done"

OWNER = f"""
import sys
from web.local.processes import Child, ChildSpec, Supervisor, stops_on_signals
pool = ChildSpec("pool", (sys.executable, "-c", {POOL!r}))
web = ChildSpec("web", ("sh", "-c", {POLITE!r}))
with stops_on_signals(), Supervisor([Child(pool), Child(web)]) as supervisor:
    supervisor.watch()
print("all stopped in order", flush=True)
"""


class Lines:
    """Collects the output of children."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def write(self, name: str, line: str) -> None:
        self.seen.append(f"{name}: {line}")

    def wait_for(self, line: str) -> None:
        assert eventually(lambda: line in self.seen), self.seen


@pytest.fixture
def lines() -> Lines:
    return Lines()


def pool_child(lines: Lines) -> Child:
    return Child(ChildSpec("pool", (sys.executable, "-c", POOL)), lines.write)


def test_output_comes_line_by_line_with_the_childs_name(lines: Lines) -> None:
    child = Child(ChildSpec("echo", ("sh", "-c", "echo one; echo two >&2")), lines.write)
    child.start()

    assert child.wait(10) == 0
    assert lines.seen == ["echo: one", "echo: two"]


def test_a_very_long_line_is_cut_into_pieces(lines: Lines) -> None:
    command = (sys.executable, "-c", "print('x' * 20_000)")
    child = Child(ChildSpec("long", command), lines.write)
    child.start()
    child.wait(10)

    longest = max(map(len, lines.seen))
    assert longest <= processes.LINE_BYTES_MAX + len("long: ")
    assert sum(line.count("x") for line in lines.seen) == 20_000


def test_exit_codes_are_told_as_a_shell_does(lines: Lines) -> None:
    child = Child(ChildSpec("seven", ("sh", "-c", "exit 7")), lines.write)
    child.start()
    assert child.wait(10) == 7

    child = Child(ChildSpec("killed", ("sh", "-c", "kill -9 $$")), lines.write)
    child.start()
    assert child.wait(10) == 128 + signal.SIGKILL


def test_a_command_that_does_not_exist_says_so(lines: Lines) -> None:
    child = Child(ChildSpec("nothing", ("no-such-program",), ready=lambda: False), lines.write)
    child.start()

    with pytest.raises(ChildFailed, match=r"code 127\.\ncannot run no-such-program"):
        child.wait_ready()


def test_a_child_that_never_gets_ready_is_an_error_with_its_last_words(lines: Lines) -> None:
    spec = ChildSpec(
        "slow", ("sh", "-c", "echo thinking; sleep 600"), ready=lambda: False, ready_seconds=0.5
    )
    child = Child(spec, lines.write)
    with pytest.raises(ChildFailed, match=r"slow is not ready after 0\.5 s\.\nthinking"):
        Supervisor([child]).start()

    assert not child.started


def test_stopping_takes_the_workers_of_a_pool_along(lines: Lines) -> None:
    child = pool_child(lines)
    child.start()
    lines.wait_for("pool: pool is up")
    assert child.pid is not None
    pids = family(child.pid)
    assert len(pids) == 4  # The guard, the main process, two workers.

    child.stop()

    assert not pids & parents().keys()


def test_a_child_that_ignores_its_stop_signal_is_killed_in_time(lines: Lines) -> None:
    stubborn = "trap '' TERM; echo up; while :; do sleep 0.1; done"
    spec = ChildSpec("stubborn", ("sh", "-c", stubborn), stop_seconds=0.5)
    child = Child(spec, lines.write)
    child.start()
    lines.wait_for("stubborn: up")
    began = time.monotonic()

    child.stop()

    assert 0.5 <= time.monotonic() - began < 5


def test_killing_the_main_process_takes_its_workers_along(lines: Lines) -> None:
    child = pool_child(lines)
    child.start()
    lines.wait_for("pool: pool is up")
    assert child.pid is not None
    pids = family(child.pid)

    kill(child.pid)

    assert all_gone(pids)
    assert child.poll() == 128 + signal.SIGKILL


def test_killing_the_guard_ends_the_child(lines: Lines) -> None:
    child = Child(ChildSpec("sleeper", SLEEPER), lines.write)
    child.start()
    pid = child.pid
    assert pid is not None

    kill(parents()[pid])

    assert all_gone({pid})
    assert eventually(lambda: child.poll() == -signal.SIGKILL)


def test_the_children_start_in_order_and_stop_in_reverse(lines: Lines, tmp_path: Path) -> None:
    def child(name: str) -> Child:
        told = f"trap 'echo {name} down >> {log}; exit' TERM; echo {name} up >> {log}; "
        command = ("sh", "-c", told + "while :; do sleep 0.05; done")
        up = f"{name} up"
        return Child(
            ChildSpec(name, command, ready=lambda: log.exists() and up in log.read_text()),
            lines.write,
        )

    log = tmp_path / "log"
    with Supervisor([child("first"), child("second"), child("third")]):
        pass

    assert log.read_text().splitlines() == [
        *("first up", "second up", "third up"),
        *("third down", "second down", "first down"),
    ]


def test_a_child_that_crashes_is_started_again(lines: Lines) -> None:
    class Enough(Exception):
        pass

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            raise Enough

    said: list[str] = []
    child = Child(ChildSpec("flaky", ("sh", "-c", "echo up; exit 3")), lines.write)
    with pytest.raises(Enough), Supervisor([child], say) as supervisor:
        supervisor.watch()

    assert said == [
        "flaky ended with code 3; starting it again in 0.5 s.",
        "flaky ended with code 3; starting it again in 1 s.",
    ]
    assert lines.seen == ["flaky: up", "flaky: up"]


def test_a_child_that_keeps_crashing_stops_everything(lines: Lines) -> None:
    said: list[str] = []
    healthy = Child(ChildSpec("healthy", SLEEPER), lines.write)
    broken = Child(ChildSpec("broken", ("sh", "-c", "echo no disk; exit 3")), lines.write)

    with (
        pytest.raises(ChildFailed, match=r"(?s)broken ended with code 3.*5 times.*no disk"),
        Supervisor([healthy, broken], said.append, backoff_seconds=0.001) as supervisor,
    ):
        supervisor.watch()

    assert len(said) == processes.RESTARTS_MAX
    assert not healthy.started


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_all_in_order(number: signal.Signals) -> None:
    with python_process(OWNER) as owner:
        assert read_line(owner) == "pool      | pool is up"
        assert eventually(lambda: len(descendants(owner.pid)) >= 6)
        pids = descendants(owner.pid)

        # To the whole group, as a terminal does: the children must hear of it from us, in order.
        os.killpg(owner.pid, number)

        assert read_line(owner) == "web       | web says bye"
        assert read_line(owner) == "pool      | pool says bye"
        assert read_line(owner) == "all stopped in order"
        assert owner.wait(10) == 0
        assert not pids & parents().keys()


def test_nothing_outlives_a_killed_owner() -> None:
    with python_process(OWNER) as owner:
        assert read_line(owner) == "pool      | pool is up"
        assert eventually(lambda: len(descendants(owner.pid)) >= 6)
        pids = descendants(owner.pid)

        owner.kill()

        assert all_gone(pids)


def test_a_fork_of_the_owner_that_lives_on_does_not_keep_the_child() -> None:
    forking = """
import os, time
from web.local.processes import Child, ChildSpec
child = Child(ChildSpec("sleeper", ("sleep", "600")))
child.start()
if os.fork() == 0:
    time.sleep(600)  # Holds a copy of the lifeline.
print(child.pid, flush=True)
time.sleep(600)
"""
    with python_process(forking) as owner:
        pid = int(read_line(owner))
        guarded = family(pid)
        (fork,) = descendants(owner.pid) - guarded

        owner.kill()

        try:
            assert all_gone(guarded)
        finally:
            kill(fork)


def test_a_log_file_that_grew_too_large_is_begun_anew(tmp_path: Path, lines: Lines) -> None:
    log = tmp_path / "log"
    spec = ChildSpec("writer", ("sh", "-c", "echo hello"), log_path=log)
    for _ in range(2):
        child = Child(spec, lines.write)
        child.start()
        child.wait(10)
    assert log.read_text() == "hello\nhello\n"

    with log.open("r+b") as file:
        file.truncate(processes.LOG_BYTES_MAX + 1)
    child = Child(spec, lines.write)
    child.start()
    child.wait(10)

    assert log.read_text() == "hello\n"
    assert lines.seen == []
