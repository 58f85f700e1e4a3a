"""The control API itself: orders, bounds, reset; and the pieces that need no server."""

import socket
import threading
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from channels.simulator import journal, phones
from channels.simulator.config import SimulatorConfig, Waits
from channels.simulator.faults import FAULTS_MAX, Faults, Service, parse_fault
from channels.simulator.journal import LOG_MAX, Journal
from channels.simulator.phones import Phones, e164, network_of
from channels.simulator.references import References
from channels.simulator.state import remember
from tests.channels.simulator.rig import PHONE, Simulator

AT = datetime(2026, 1, 15, 6, 30, tzinfo=UTC)


def refused(simulator: Simulator, path: str, body: Any) -> tuple[int, str]:
    answer = simulator.http.post(f"{simulator.base}/simulator/api{path}", json=body)
    return answer.status_code, answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/dial", [], 400, "JSON object"),
        ("/dial", {"phone": PHONE}, 400, "code must be text"),
        ("/dial", {"phone": "12", "code": "*1#"}, 400, "not a phone number"),
        ("/dial", {"phone": PHONE, "code": "*1" * 100}, 400, "at most 180"),
        ("/paybill", {"phone": PHONE, "account": "x", "amount": 0}, 400, "between 1 and 250000"),
        ("/paybill", {"phone": PHONE, "account": "x", "amount": 1.5}, 400, "whole number"),
        ("/paybill", {"phone": PHONE, "account": "x" * 21, "amount": 1}, 400, "at most 20"),
        ("/sms", {"from": PHONE, "text": "x" * 2001}, 400, "at most 2000"),
        ("/faults", {"service": "stk", "fault": "nonsense"}, 400, "no fault"),
        ("/faults", {"service": "fax", "fault": "empty"}, 400, "no service"),
        ("/faults", {"service": "oauth", "fault": "callback_twice"}, 400, "does not apply"),
        ("/faults", {"service": "stk", "fault": "insider_code"}, 400, "needs code"),
        ("/faults", {"service": "stk", "fault": "html:1"}, 400, "takes no code"),
        ("/faults", {"service": "sms", "fault": "insider_code:x"}, 400, "numbers"),
        ("/faults", {"service": "stk", "fault": "html", "times": 0}, 400, "times"),
        ("/faults", {"service": "stk", "fault": "html", "seconds": -1}, 400, "seconds"),
        ("/settings", {"prompt_minutes": 1}, 400, "no wait named prompt_minutes"),
        ("/settings", {"prompt_seconds": 1e9}, 400, "prompt_seconds"),
        ("/settings", {"stk": "late_paid"}, 400, "late"),
        ("/phones", {"phone": PHONE, "reachable": 1}, 400, "true or false"),
        ("/organisations", {"shortcode": "1", "utility_cents": 1}, 404, "nothing known"),
        ("/replay", {"log_id": 10**9}, 404, "nothing known"),
    ],
)
def test_senseless_orders_are_refused_with_a_reason(
    simulator: Simulator, path: str, body: Any, status: int, says: str
) -> None:
    code, message = refused(simulator, path, body)

    assert code == status
    assert says in message


def test_lists_have_a_limit(simulator: Simulator) -> None:
    for text in ("one", "two", "three"):
        simulator.control("/sms", {"from": PHONE, "text": text})

    newest = simulator.control("/sms?phone=+254700000001&limit=2")["sms"]

    assert [sms["text"] for sms in newest] == ["two", "three"]
    wrong = simulator.http.get(f"{simulator.base}/simulator/api/sms?limit=1001")
    assert wrong.status_code == 400


def test_a_body_has_a_limit(simulator: Simulator) -> None:
    big = b'{"x":"' + b"x" * 300_000 + b'"}'

    control = simulator.http.post(f"{simulator.base}/simulator/api/dial", content=big)
    daraja = simulator.http.post(
        f"{simulator.base}/daraja/mpesa/stkpush/v1/processrequest", content=big
    )

    assert (control.status_code, daraja.status_code) == (413, 413)


def test_faults_are_listed_and_cleared(simulator: Simulator) -> None:
    simulator.fault("stk", "insider_code:1037", times=2, phone="0700000001")

    assert simulator.control("/faults")["faults"] == [
        {
            "service": "stk",
            "fault": "insider_code:1037",
            "times": 2,
            "seconds": 5.0,
            "phone": PHONE,
        }
    ]
    assert simulator.http.delete(f"{simulator.base}/simulator/api/faults").status_code == 200
    assert simulator.control("/faults")["faults"] == []


def test_a_reset_forgets_everything(simulator: Simulator) -> None:
    token = simulator.token()
    simulator.push(token)
    simulator.settle("paid")
    simulator.sms()
    simulator.fault("sms", "html")
    simulator.control("/settings", {"stk": "paid", "prompt_seconds": 1})

    simulator.control("/reset", {})

    assert simulator.control("/stk?status=all")["stk"] == []
    assert simulator.control("/sms")["sms"] == []
    assert simulator.control("/faults")["faults"] == []
    assert simulator.control("/log")["log"] == []
    settings = simulator.control("/settings")
    assert (settings["stk"], settings["prompt_seconds"]) == ("ask", 60)
    assert simulator.balance_cents() == 20_000_000
    assert simulator.push(token).json()["errorCode"] == "404.001.03"


def test_only_callbacks_are_replayed(simulator: Simulator) -> None:
    simulator.oauth()
    (entry,) = simulator.control("/log?service=oauth")["log"]

    status, message = refused(simulator, "/replay", {"log_id": entry["id"]})

    assert (status, message) == (400, "only callbacks can be replayed")


def test_the_phones_to_begin_with(simulator: Simulator) -> None:
    shown = simulator.control("/phones")

    assert [phone["phone"] for phone in shown["phones"]] == [
        f"+2547000000{n:02d}" for n in range(1, 7)
    ]
    assert (shown["ussd_code"], shown["paybill"]) == ("*384*7781#", simulator.config.shortcode)


def test_a_fault_waits_for_its_service_and_its_phone() -> None:
    faults = Faults()
    faults.add(parse_fault("stk", "html", phone=PHONE))

    assert faults.take(Service.QUERY, {PHONE}) is None
    assert faults.take(Service.STK, {"+254700000002"}) is None
    assert faults.take(Service.STK, {PHONE}) is not None
    assert faults.take(Service.STK, {PHONE}) is None


def test_faults_journal_and_phones_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = Faults()
    for _ in range(FAULTS_MAX):
        faults.add(parse_fault("stk", "html"))
    with pytest.raises(ValueError, match="at most"):
        faults.add(parse_fault("stk", "html"))

    kept = Journal(lambda: AT, "s3cret")
    for _ in range(LOG_MAX + 1):
        kept.request("sms", "POST", "/x", b"x" * (journal.LOG_BODY_CHARS_MAX + 1))
    assert kept.find(1) is None
    assert len(str(kept.newest(1)[0]["body"])) == journal.LOG_BODY_CHARS_MAX

    monkeypatch.setattr(phones, "PHONES_MAX", 2)
    known = Phones((), lambda: 5)
    for last in "123":
        known.get(f"+25470000000{last}")
    assert [phone.number[-1] for phone in known.all()] == ["2", "3"]

    numbers: dict[int, int] = {}
    for number in range(5):
        remember(numbers, number, number, 3)
    assert list(numbers) == [2, 3, 4]


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0700 000 001", PHONE),
        ("254700000001", PHONE),
        ("+254-110-000001", "+254110000001"),
        ("+256700000001", "+256700000001"),
    ],
)
def test_numbers_as_people_type_them(typed: str, number: str) -> None:
    assert e164(typed) == number


@pytest.mark.parametrize("typed", ["", "0800000001", "700000001", "+0700000001", "abc"])
def test_what_is_no_number(typed: str) -> None:
    with pytest.raises(ValueError, match="not a phone number"):
        e164(typed)


@pytest.mark.parametrize(
    ("number", "network"),
    [
        ("+254700000001", "safaricom"),
        ("+254110000001", "safaricom"),
        ("+254733000001", "airtel"),
        ("+254100000001", "airtel"),
        ("+254770000001", "telkom"),
    ],
)
def test_the_network_behind_a_prefix(number: str, network: str) -> None:
    assert network_of(number) == network


def test_receipts_say_their_day_and_differ() -> None:
    references = References(None)
    receipts = {references.receipt(AT) for _ in range(1_000)}

    assert len(receipts) == 1_000
    assert {receipt[:3] for receipt in receipts} == {"UAF"}
    assert References(3).receipt(AT) == References(3).receipt(AT)
    assert References(3).receipt(datetime(2024, 12, 31, 12, tzinfo=UTC)).startswith("SLV")


@pytest.mark.parametrize("seconds", [-1.0, 86_401.0, float("nan")])
def test_a_wait_has_limits(seconds: float) -> None:
    for item in fields(Waits):
        with pytest.raises(ValueError, match=item.name):
            Waits(**{item.name: seconds})


def test_secrets_are_not_printed() -> None:
    config = SimulatorConfig(
        callback_secret="s3cret",
        api_key="s3cret",
        consumer_key="s3cret",
        consumer_secret="s3cret",
        passkey="s3cret",
        initiator_password="s3cret",
        private_key_pem=b"s3cret",
    )

    assert "s3cret" not in repr(config)


def test_the_certificate_and_the_health(simulator: Simulator) -> None:
    pem = simulator.http.get(f"{simulator.base}/simulator/certificate.pem").text

    assert pem.startswith("-----BEGIN CERTIFICATE-----")
    assert simulator.http.get(f"{simulator.base}/healthz").json() == {"status": "ok"}


def test_a_burst_of_forty_phones_is_served(simulator: Simulator) -> None:
    numbers = [f"+2547000001{n:02d}" for n in range(40)]
    texts: list[str] = []

    def person(number: str) -> None:
        with httpx.Client(trust_env=False, timeout=10) as http:
            api = f"{simulator.base}/simulator/api"
            dialled = {"phone": number, "code": "*384*7781#"}
            http.post(f"{api}/dial", json=dialled).raise_for_status()
            texts.append(number)

    people = [threading.Thread(target=person, args=(number,)) for number in numbers]
    for one in people:
        one.start()
    for one in people:
        one.join()

    assert sorted(texts) == numbers
    heard = sorted(hop.form["phoneNumber"] for hop in simulator.ours.at("/ussd"))
    assert heard == numbers


def test_it_runs_as_a_process_of_its_own(tmp_path: Any) -> None:
    """`serve.run` in a child process: up, answering, and gone after SIGTERM."""
    import subprocess
    import sys

    from tests.support.serving import eventually

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = (
        "from channels.simulator.config import SimulatorConfig\n"
        "from channels.simulator.serve import run\n"
        f"run(SimulatorConfig(callback_secret='s'), '127.0.0.1', {port})\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program])
    try:

        def answers() -> bool:
            try:
                return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success
            except httpx.TransportError:
                return False

        eventually(answers, seconds=20)
        child.terminate()
        assert child.wait(10) in (0, -15)
    finally:
        child.kill()
        child.wait()
