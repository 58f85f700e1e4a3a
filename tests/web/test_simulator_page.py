"""The simulator page and its way through to the simulators, both for real."""

import re
from collections.abc import Iterator

import pytest

from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig
from core.db.tx import Database
from core.settings import Environment
from tests.support.serving import serving
from tests.web.rig import CALLER, SECRET, Web, make_settings, running
from web.local.probes import free_port


@pytest.fixture
def trial(database: Database, redis_url: str) -> Iterator[Web]:
    """The application beside a simulator; each knows where the other is."""
    port = free_port(None)
    settings = make_settings(database, redis_url, simulator_url=f"http://127.0.0.1:{port}")
    with running(database, settings) as web:
        config = SimulatorConfig(callback_secret=SECRET, callback_base=str(web.http.base_url))
        with serving(create_app(config), port):
            yield web


def test_the_page_and_all_it_names_are_served_by_us(trial: Web) -> None:
    page = trial.http.get("/simulator")

    assert page.status_code == 200
    named = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(named) >= 3
    for path in named:
        assert trial.http.get(path).status_code == 200, path
    assert not re.search(r"<style| style=| on[a-z]+=|https?://|<script>", page.text)


def test_dialling_through_the_page_reaches_our_own_hop(trial: Web) -> None:
    body = {"phone": CALLER, "code": "*384*7781#"}

    first = trial.http.post("/simulator/api/dial", json=body).json()
    second = trial.http.post("/simulator/api/answer", json={"phone": CALLER, "input": "1"}).json()

    assert first["reply"].startswith("CON ")
    assert not first["final"]
    assert second["transcript"] == "1"
    assert trial.metric("nafasi_ussd_hop_seconds_count") == 2


def test_what_the_simulators_refuse_is_passed_on(trial: Web) -> None:
    body = {"phone": CALLER, "input": "1"}

    answer = trial.http.post("/simulator/api/answer", json=body)

    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "not_now"


def test_queries_are_passed_on(trial: Web) -> None:
    trial.http.post("/simulator/api/sms", json={"from": CALLER, "text": "HELP"})

    ours = trial.http.get("/simulator/api/sms", params={"phone": CALLER}).json()["sms"]
    others = trial.http.get("/simulator/api/sms", params={"phone": "0700000002"}).json()["sms"]

    assert [sms["text"] for sms in ours] == ["HELP"]
    assert others == []


def test_the_statement_comes_through_as_a_file(trial: Web) -> None:
    answer = trial.http.get("/simulator/api/statement.csv", params={"month": "2026-11"})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert "Receipt No.,Completion Time" in answer.text


@pytest.mark.parametrize("path", ["..%2f..%2fcertificate.pem", "", "a/b/c", "Phones"])
def test_only_the_control_calls_are_passed_on(trial: Web, path: str) -> None:
    assert trial.http.get(f"/simulator/api/{path}").status_code == 404


def test_simulators_that_are_gone_are_named(database: Database, redis_url: str) -> None:
    settings = make_settings(database, redis_url, simulator_url="http://127.0.0.1:1")
    with running(database, settings) as web:
        answer = web.http.get("/simulator/api/phones")

    assert answer.status_code == 502
    assert "simulator" in answer.json()["error"]


def test_production_has_no_simulator(database: Database, redis_url: str) -> None:
    # Settings refuse a simulator in production; the application does so by itself.
    local = make_settings(database, redis_url, simulator_url="http://127.0.0.1:1")
    with running(database, local.model_copy(update={"env": Environment.PRODUCTION})) as web:
        assert web.http.get("/simulator").status_code == 404
        assert web.http.get("/simulator/api/phones").status_code == 404
