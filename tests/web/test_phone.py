"""The phone in the terminal, against real simulators and the real application."""

from collections.abc import Iterator

import httpx
import pytest

from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig
from core.db.tx import Database
from tests.support.serving import serving
from tests.web.rig import CALLER, SECRET, make_settings, running
from web.commands.phone import Handset

CODE = "*384*7781#"


def measure(text: str) -> dict[str, int]:
    return {"septets": len(text), "segments": 1}


class Shown(list[str]):
    """Everything the handset wrote."""

    @property
    def last(self) -> str:
        return self[-1]


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def handset(database: Database, redis_url: str, shown: Shown) -> Iterator[Handset]:
    with running(database, make_settings(database, redis_url)) as web:
        config = SimulatorConfig(callback_secret=SECRET, callback_base=str(web.http.base_url))
        with (
            serving(create_app(config, measure=measure)) as base,
            httpx.Client(base_url=f"{base}/simulator/api", trust_env=False) as client,
        ):
            yield Handset(client, CALLER, CODE, shown.append)


def test_a_call_from_dialling_to_hanging_up(handset: Handset, shown: Shown) -> None:
    handset.do("dial")
    assert "1. " in shown.last
    assert shown.last.endswith("open")
    assert handset.prompt == "answer> "

    handset.do("1")
    assert shown.last.endswith("open")

    handset.do("hangup")
    assert handset.prompt == "phone> "
    handset.do("1")
    assert "no open conversation" in shown.last


def test_a_code_of_somebody_else_ends_at_once(handset: Handset, shown: Shown) -> None:
    handset.do("dial *100#")

    assert shown.last.endswith("over")


def test_messages_go_out_and_are_read(handset: Handset, shown: Shown) -> None:
    handset.do("inbox")
    assert shown == []

    handset.do("sms HELP")
    assert shown.last == "sent"
    handset.do("inbox")
    assert shown.last.startswith("-> HELP")


def test_paying_without_a_prompt_and_rubbish_are_answered(handset: Handset, shown: Shown) -> None:
    handset.do("pay")
    assert "No M-Pesa prompt" in shown.last
    handset.do("paybill")
    assert "paybill K7P4Q" in shown.last
    handset.do("help")
    assert "hangup" in shown.last
    assert handset.do("quit") is False


def test_simulators_that_are_gone_are_said_to_be(shown: Shown) -> None:
    with httpx.Client(base_url="http://127.0.0.1:1", trust_env=False) as client:
        assert Handset(client, CALLER, CODE, shown.append).do("dial")

    assert shown.last == "The simulators do not answer."
