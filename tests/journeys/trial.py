"""A running `nafasi up` and the phones around it, reached over HTTP only."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
READY_SECONDS = 120
PATIENCE_SECONDS = 45


def _own_environ() -> dict[str, str]:
    """Return the environment without other servers than the trial's own."""
    others = {"NAFASI_DATABASE_URL", "NAFASI_REDIS_URL"}
    return {name: value for name, value in os.environ.items() if name not in others}


class Trial:
    """One `nafasi up` with a data folder of its own."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.base, timeout=30)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str, environ: Mapping[str, str] | None = None) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "web.cli", "up", "--port", str(self.port), *words]
        with (self.data.parent / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data", str(self.data)],
                cwd=ROOT,
                env={**_own_environ(), **(environ or {})},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.until(self.ready, "ready", READY_SECONDS)

    def ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            self.process.wait(60)

    def until(self, true: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait until something is so; fails with what it was."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := true():
                return found
            time.sleep(0.2)
        raise AssertionError(f"not in {seconds} s: {what}\n{self.log()[-3000:]}")

    def log(self) -> str:
        return (self.data.parent / "up.log").read_text(errors="replace")

    def nafasi(self, *words: str) -> str:
        """Run a command of ours beside the running trial; returns its stdout."""
        environ = {**_own_environ(), "NAFASI_DATA": str(self.data)}
        done = subprocess.run(
            [sys.executable, "-m", "web.cli", *words],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def ledger(self) -> dict[str, int]:
        found = json.loads(self.nafasi("ledger", "--json"))
        return {row["account"]: row["balance_cents"] for row in found["accounts"]}

    def check(self) -> dict[str, Any]:
        return json.loads(self.nafasi("check", "--json"))

    def advance(self, step: str) -> None:
        self.nafasi("clock", "advance", step)

    def phone(self, msisdn: str) -> "Phone":
        return Phone(self, msisdn)


class Phone:
    """One handset: what a person can do with it."""

    def __init__(self, trial: Trial, msisdn: str) -> None:
        self.trial = trial
        self.msisdn = msisdn
        self.read = 0

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.trial.http.post(f"/simulator/api/{path}", json=body)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def dial(self, code: str, *inputs: str) -> str:
        """Dial, answer in turn, and return the last screen."""
        screen = self._post("dial", {"phone": self.msisdn, "code": code})
        for typed in inputs:
            assert not screen["final"], f"ended before {typed!r}: {screen['text']}"
            screen = self._post("answer", {"phone": self.msisdn, "input": typed})
        if not screen["final"]:
            self._post("hangup", {"phone": self.msisdn})
        return screen["text"]

    def write(self, text: str) -> None:
        self._post("sms", {"from": self.msisdn, "text": text})

    def messages(self) -> list[str]:
        found = self.trial.http.get("/simulator/api/sms", params={"phone": self.msisdn}).json()
        return [sms["text"] for sms in found["sms"] if sms["direction"] == "to_phone"]

    def message(self, *words: str) -> str:
        """Wait for a new SMS that holds all the words, and return it; what follows stays new."""

        def arrived() -> tuple[int, str] | None:
            new = enumerate(self.messages()[self.read :], start=self.read + 1)
            return next((at for at in new if all(word in at[1] for word in words)), None)

        self.read, found = self.trial.until(arrived, f"an SMS to {self.msisdn} with {words}")
        return str(found)

    def prompt(self) -> dict[str, Any]:
        """Wait for the M-Pesa prompt."""

        def shown() -> dict[str, Any] | None:
            found = self.trial.http.get("/simulator/api/stk", params={"phone": self.msisdn})
            prompts = found.json()["stk"]
            return prompts[0] if prompts else None

        found: dict[str, Any] = self.trial.until(shown, f"a prompt on {self.msisdn}")
        return found

    def pay(self, outcome: str = "paid") -> dict[str, Any]:
        prompt = self.prompt()
        self._post(f"stk/{prompt['id']}", {"outcome": outcome})
        return prompt


def code_in(text: str) -> str:
    """Return the booking code that a text holds."""
    codes = [
        word
        for word in re.findall(r"\b[2-9A-HJKMNP-TV-Z]{5}\b", text)
        if not word.isdigit() and not word.isalpha()
    ]
    assert codes, f"no code in {text!r}"
    return codes[0]


@contextmanager
def running(port: int, *words: str) -> Iterator[Trial]:
    """Start `nafasi up` in a folder of its own, and clear it away."""
    with prepared(port) as trial:
        trial.start(*words)
        yield trial


@contextmanager
def prepared(port: int) -> Iterator[Trial]:
    """Make a folder that the servers' own user can reach; whatever is started in it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="nafasi-journey-", dir="/var/tmp"))
    folder.chmod(0o755)
    trial = Trial(folder / "data", port)
    try:
        yield trial
    finally:
        trial.stop()
        trial.http.close()
        shutil.rmtree(folder)
