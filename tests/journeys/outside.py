"""The world outside of Nafasi: the simulated phones and providers, in a process of their own.

Nothing that is killed inside touches it. One thread looks at everything that it shows, again and
again, so that hundreds of people can look without asking hundreds of times.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import httpx

from channels.simulator.faults import FAULT_TIMES_MAX
from tests.journeys.trial import ROOT
from web.commands.simulator import CERTIFICATE_NAME
from web.local.probes import free_port

READY_SECONDS = 60
LOOK_SECONDS = 0.5
LOOK_MAX = 300
CALL_SECONDS = 40
_ATTEMPT = re.compile(r"/stk/([0-9a-f-]{36})")

Json = dict[str, Any]


class Outside:
    """Simulators that run until the end, and what everybody can see of them."""

    def __init__(self, folder: Path, callback_base: str) -> None:
        self.port = free_port(None)
        self.url = f"http://127.0.0.1:{self.port}"
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._callback_base = callback_base
        self._http = httpx.Client(
            base_url=f"{self.url}/simulator/api",
            timeout=CALL_SECONDS,
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher = threading.Thread(target=self._watch, name="outside")
        self._over = threading.Event()
        self._messages: dict[str, Json] = {}
        self._open: dict[str, Json] = {}
        self.log: dict[int, Json] = {}

    @property
    def environ(self) -> dict[str, str]:
        """What points `nafasi up` here instead of at simulators of its own."""
        return {
            "NAFASI_SIMULATOR_URL": self.url,
            "NAFASI_AFRICASTALKING_BASE_URL": f"{self.url}/africastalking",
            "NAFASI_DARAJA_BASE_URL": f"{self.url}/daraja",
            "NAFASI_DARAJA_CERTIFICATE_FILE": str(self._folder / CERTIFICATE_NAME),
        }

    def __enter__(self) -> Self:
        words = ("simulator", "--port", str(self.port), "--data", str(self._folder))
        with (self._folder / "simulator.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "web.cli", *words],
                cwd=ROOT,
                env={
                    **os.environ,
                    "NAFASI_LOG_LEVEL": "WARNING",
                    "NAFASI_DATA": str(self._folder),
                    "NAFASI_PUBLIC_URL": self._callback_base,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready():
            alive = self._process.poll() is None and time.monotonic() < deadline
            assert alive, (self._folder / "simulator.log").read_text()
            time.sleep(0.1)
        self._watcher.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        if self._watcher.is_alive():
            self._watcher.join()
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)
        self._http.close()

    def _ready(self) -> bool:
        try:
            return self._http.get(f"{self.url}/healthz").is_success
        except httpx.HTTPError:
            return False

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.look()

    def take_time(self, service: str, seconds: float) -> None:
        """Let a provider answer as slowly as a real one, so that kills meet calls under way."""
        self._post(
            "faults", service=service, fault="delay", seconds=seconds, times=FAULT_TIMES_MAX
        ).raise_for_status()

    def look(self) -> None:
        """Take in what is new. The journal keeps little, hence so often."""
        for sms in self._get("sms", limit=LOOK_MAX)["sms"]:
            if sms["direction"] == "to_phone":
                self._messages[sms["id"]] = sms
        self._open = {prompt["phone"]: prompt for prompt in self._get("stk", limit=1000)["stk"]}
        for entry in self._get("log", service="stk", limit=LOOK_MAX)["log"]:
            self.log[entry["id"]] = entry

    def _get(self, path: str, **query: Any) -> Json:
        answer = self._http.get(path, params=query)
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    def _post(self, path: str, **body: Any) -> httpx.Response:
        return self._http.post(path, json=body)

    def dial(self, phone: str, code: str) -> Json:
        """Dial and return the first screen."""
        screen: Json = self._post("dial", phone=phone, code=code).raise_for_status().json()
        return screen

    def answer(self, phone: str, typed: str) -> Json | None:
        """Type an answer and return the next screen; None when the network has hung up."""
        answer = self._post("answer", phone=phone, input=typed)
        if answer.status_code == httpx.codes.CONFLICT:
            return None
        screen: Json = answer.raise_for_status().json()
        return screen

    def hang_up(self, phone: str) -> None:
        """Press the red button."""
        self._post("hangup", phone=phone).raise_for_status()

    def write(self, phone: str, text: str) -> None:
        """Send an SMS to the short code."""
        self._post("sms", **{"from": phone, "text": text}).raise_for_status()

    def prompt(self, phone: str) -> Json | None:
        """Return the M-Pesa prompt that stands on a phone."""
        return self._open.get(phone)

    def approve(self, prompt: Json) -> bool:
        """Type the M-Pesa PIN; False when the prompt was gone by then."""
        return self._post(f"stk/{prompt['id']}", outcome="paid").is_success

    def messages(self, phone: str | None = None) -> list[Json]:
        """Return what a phone, or anybody, was sent so far, oldest first."""
        return [sms for sms in list(self._messages.values()) if phone in (None, sms["to"])]

    def paid_prompts(self) -> dict[str, Json]:
        """Return the prompts that were paid, by the id that their push was answered with."""
        prompts = self._get("stk", status="all", limit=1000)["stk"]
        return {prompt["id"]: prompt for prompt in prompts if prompt["status"] == "paid"}

    def pushes(self) -> list[tuple[str, str]]:
        """Return (attempt id, prompt id) of each push that M-Pesa took."""
        found = []
        for entry in self.log.values():
            if entry["direction"] == "request" and "processrequest" in entry["url"]:
                answer = json.loads(entry["answer"] or "{}")
                if entry["status"] == 200 and answer.get("ResponseCode") == "0":
                    attempt = _ATTEMPT.search(json.loads(entry["body"])["CallBackURL"])
                    assert attempt is not None, entry["body"]
                    found.append((attempt[1], answer["CheckoutRequestID"]))
        return found

    def callbacks_lost(self) -> set[str]:
        """Return the attempts whose callback nobody took; M-Pesa does not repeat it."""
        told: dict[str, bool] = {}
        for entry in self.log.values():
            if entry["direction"] == "callback" and (found := _ATTEMPT.search(entry["url"])):
                told[found[1]] = told.get(found[1], False) or entry["status"] == 200
        return {attempt for attempt, taken in told.items() if not taken}
