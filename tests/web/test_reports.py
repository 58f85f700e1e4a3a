"""Error reports: sent for real to a host of ours, and looked through."""

import gzip
import subprocess
import sys

from fastapi import FastAPI, Request

from tests.support.serving import eventually, serving
from web.reports import scrubbed

SCRIPT = """
import sys
import sentry_sdk
from core.settings import Settings
from web.reports import start_reports

start_reports(Settings(env="test", sentry_dsn=sys.argv[1], callback_secret="swordfish" * 3))
try:
    typed_pin = "1234-typed"
    raise ValueError("+254700000001 at /hooks/daraja/swordfishswordfishswordfish/stk")
except ValueError:
    sentry_sdk.capture_exception()
sentry_sdk.flush(5)
"""


def test_a_report_tells_of_the_error_and_of_nobody() -> None:
    app = FastAPI()
    heard: list[bytes] = []

    @app.post("/api/1/envelope/")
    async def take(request: Request) -> dict[str, str]:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        heard.append(body)
        return {}

    with serving(app) as base:
        dsn = base.replace("http://", "http://key@") + "/1"
        subprocess.run([sys.executable, "-c", SCRIPT, dsn], check=True, timeout=60)
        report = eventually(lambda: b"".join(heard)).decode()

    assert "ValueError" in report
    assert "+2547****001 at /hooks/daraja/***/stk" in report
    assert "+254700000001" not in report
    assert "swordfish" not in report
    assert "1234-typed" not in report


def test_covering_reaches_into_keys_and_lists() -> None:
    secret = "s\u00e9cret"
    event = {"request": {"url": f"https://x/hooks/daraja/{secret}/stk"}, secret: [secret]}

    assert "cret" not in str(scrubbed(event, secret))
