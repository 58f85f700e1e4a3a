"""Runs the command ``nafasi`` in processes of its own, quickly.

Most of a short command is the import of what it uses. One process does that once; each command is
a fork of it, with its own arguments, environment and output, as ``python -m web.cli`` would be.
That this one starts by itself is shown where the command line is tested.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "web.cli")
SECONDS = 60
PRELOADED = (
    "channels.daraja.statement",
    "channels.registry",
    "core.bootstrap",
    "core.demo.bookings",
    "core.reconcile.usecases",
    "rich.progress",
    "rich.table",
    "sessions.flows.words",
    "web.cli",
    "web.schema",
    "web.wake",
)

Ended = subprocess.CompletedProcess[str]


class Commands:
    """The process that commands are forks of."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", __name__],
            # Seen when the modules are loaded, as the rest of the environment is not.
            env=os.environ | {"NO_COLOR": "1"},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, words: tuple[str, ...], environ: dict[str, str]) -> Ended:
        """Run ``nafasi`` with these words."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            order = {"words": words, "environ": environ, "out": str(out), "err": str(err)}
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()
            code = int(self._server.stdout.readline())
            assert code != -signal.SIGALRM, f"{words} took more than {SECONDS} s"
            return Ended([*COMMAND, *words], code, out.read_text(), err.read_text())

    def close(self) -> None:
        """End the process."""
        self._server.communicate()


class Nafasi:
    """Runs commands as a person would, in an environment of their own."""

    def __init__(self, commands: Commands, environ: dict[str, str]) -> None:
        self.commands = commands
        self.environ = environ

    def __call__(self, *words: str, **more: str) -> Ended:
        return self.commands(words, self.environ | more)

    def started(self, *words: str) -> Ended:
        """Run a command from the very start, Python included."""
        return subprocess.run(
            [*COMMAND, *words],
            env=self.environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def having(self, **more: str) -> "Nafasi":
        """The same with more in the environment."""
        return Nafasi(self.commands, self.environ | more)


def _serve() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order)
        _pid, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _become(order: dict[str, Any]) -> NoReturn:
    """Be the command from here on."""
    from web.cli import main

    signal.alarm(SECONDS)
    with Path(order["out"]).open("wb") as out, Path(order["err"]).open("wb") as err:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    os.environ.clear()
    os.environ.update(order["environ"])
    sys.argv = ["nafasi", *order["words"]]
    code = 1
    try:
        main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does with what nobody catches.
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve()
