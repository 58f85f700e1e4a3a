"""The simulated Flutterwave as a merchant meets it: envelopes, prompts, webhooks, faults."""

from typing import Any

import httpx
import pytest

from tests.channels.simulator.conftest import Start
from tests.channels.simulator.rig import MSISDN, PHONE, Simulator
from tests.support.serving import eventually

WEBHOOK = "/hooks/flutterwave/s3cret/webhook"
LOST = {
    "status": "error",
    "message": "An error occurred. Please contact support",
    "data": None,
}


def call(
    simulator: Simulator,
    verb: str,
    path: str,
    fields: dict[str, Any] | None = None,
    key: str | None = None,
) -> httpx.Response:
    return simulator.http.request(
        verb,
        f"{simulator.base}/flutterwave/v3{path}",
        json=fields,
        headers={"Authorization": f"Bearer {key or simulator.config.flutterwave_key}"},
    )


def charge(simulator: Simulator, **changes: Any) -> httpx.Response:
    fields = {
        "tx_ref": "bk-1",
        "amount": 1500,
        "currency": "KES",
        "email": "guest-1@guest.example",
        "phone_number": MSISDN,
        "meta": {"booking": "K7P4Q"},
    } | changes
    return call(simulator, "POST", "/charges?type=mpesa", fields)


def transfer(simulator: Simulator, **changes: Any) -> httpx.Response:
    fields = {
        "account_bank": "MPS",
        "account_number": MSISDN,
        "amount": 1350,
        "currency": "KES",
        "beneficiary_name": "Payout 12",
        "reference": "po-1",
        "narration": "Booking payout",
    } | changes
    return call(simulator, "POST", "/transfers", fields)


def verify(simulator: Simulator, tx_ref: str = "bk-1") -> httpx.Response:
    return call(simulator, "GET", f"/transactions/verify_by_reference?tx_ref={tx_ref}")


def message(answer: httpx.Response) -> tuple[int, str]:
    said = answer.json()
    assert said["status"] == "error"
    assert said["data"] is None
    return answer.status_code, said["message"]


def test_a_customer_pays_the_prompt(simulator: Simulator) -> None:
    before = simulator.balance_cents()
    taken = charge(simulator).json()
    assert (taken["status"], taken["message"]) == ("success", "Charge initiated")
    assert (taken["data"]["status"], taken["data"]["processor_response"]) == ("pending", "pending")

    prompt = simulator.prompt()
    assert (prompt["provider"], prompt["amount"]) == ("flutterwave", 1500)
    assert prompt["account_reference"] == "K7P4Q"
    assert verify(simulator).json()["data"]["status"] == "pending"
    simulator.settle("paid")

    [heard] = simulator.ours.wait(WEBHOOK)
    told = heard.json
    assert (told["event"], told["event.type"]) == ("charge.completed", "MPESA_TRANSACTION")
    data = told["data"]
    assert (data["status"], data["amount"], data["currency"]) == ("successful", 1500, "KES")
    assert (data["tx_ref"], data["app_fee"]) == ("bk-1", 43.5)
    assert data["customer"]["phone_number"] == MSISDN
    theirs = call(simulator, "GET", f"/transactions/{data['id']}/verify").json()["data"]
    assert (theirs["flw_ref"], theirs["status"]) == (data["flw_ref"], "successful")
    assert simulator.balance_cents() == before - 150_000
    wallets = simulator.control("/wallets")
    opening = simulator.config.flutterwave_opening_cents
    assert wallets["flutterwave_balance_cents"] == opening + 150_000 - 4_350


def test_the_webhook_carries_the_hash_and_the_journal_does_not(simulator: Simulator) -> None:
    charge(simulator)
    simulator.prompt()
    simulator.settle("cancelled")
    [heard] = simulator.ours.wait(WEBHOOK)
    assert heard.headers["verif-hash"] == simulator.config.flutterwave_hash
    assert simulator.config.flutterwave_hash not in str(simulator.control("/log"))


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("cancelled", "Request cancelled by user"),
        ("wrong_pin", "The initiator entered a wrong PIN"),
        ("insufficient", "The balance is insufficient for the transaction"),
        ("timeout", "Activity timed out"),
    ],
)
def test_a_failure_is_told_as_completed(simulator: Simulator, outcome: str, sentence: str) -> None:
    charge(simulator)
    simulator.prompt()
    simulator.settle(outcome)

    [heard] = simulator.ours.wait(WEBHOOK)
    assert heard.json["event"] == "charge.completed"
    data = heard.json["data"]
    assert (data["status"], data["processor_response"]) == ("failed", sentence)


def test_a_failed_charge_can_be_paid_late(simulator: Simulator) -> None:
    charge(simulator)
    simulator.prompt()
    charge_id = simulator.settle("timeout")["id"]
    # A webhook says how the charge stands when it is sent: the failure has to be told first.
    [failure] = simulator.ours.wait(WEBHOOK)
    assert failure.json["data"]["status"] == "failed"
    simulator.control(f"/stk/{charge_id}", {"outcome": "late_paid"})

    heard = simulator.ours.wait(WEBHOOK, 2)
    assert {each.json["data"]["status"] for each in heard} == {"failed", "successful"}


def test_a_phone_that_is_off_gets_no_prompt(simulator: Simulator) -> None:
    simulator.control("/phones", {"phone": PHONE, "reachable": False})
    charge(simulator)
    [heard] = simulator.ours.wait(WEBHOOK)
    assert heard.json["data"]["status"] == "failed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"email": None}, "email is required"),
        ({"email": "nobody"}, "email is invalid"),
        ({"currency": "USD"}, "currency is not supported for this payment type"),
        ({"amount": 0}, "amount is invalid"),
        ({"amount": "1500"}, "amount is invalid"),
        ({"phone_number": "0700000001"}, "phone_number is invalid"),
        ({"tx_ref": None}, "tx_ref is required"),
    ],
)
def test_a_charge_that_is_refused(
    simulator: Simulator, changes: dict[str, Any], said: str
) -> None:
    assert message(charge(simulator, **changes)) == (400, said)
    assert simulator.control("/stk?status=all")["stk"] == []


def test_a_reference_is_good_once(simulator: Simulator) -> None:
    charge(simulator)
    status, said = message(charge(simulator))
    assert status == 400
    assert said.startswith("Transaction Reference already exist")


def test_a_wrong_key_opens_nothing(simulator: Simulator) -> None:
    for verb, path in (
        ("POST", "/charges?type=mpesa"),
        ("GET", "/transfers"),
        ("GET", "/banks/KE"),
    ):
        answer = call(simulator, verb, path, {} if verb == "POST" else None, key="another")
        assert message(answer) == (401, "Invalid authorization key")


def test_nothing_is_known_of_what_never_came(simulator: Simulator) -> None:
    said = (400, "No transaction was found for this id")
    assert message(verify(simulator, "bk-none")) == said
    assert message(call(simulator, "GET", "/transactions/1/verify")) == said
    assert message(call(simulator, "GET", "/transfers/1")) == (404, "Transfer not found")
    assert call(simulator, "GET", "/transfers?reference=po-none").json()["data"] == []


def test_a_lost_answer_is_503_and_the_charge_is_there(simulator: Simulator) -> None:
    simulator.fault("flutterwave_charge", "timeout_after", seconds=0)
    answer = charge(simulator)
    assert (answer.status_code, answer.json()) == (503, LOST)
    assert verify(simulator).json()["data"]["status"] == "pending"


def test_a_request_lost_on_its_way_is_503_and_nothing_is_there(simulator: Simulator) -> None:
    simulator.fault("flutterwave_charge", "timeout_before", seconds=0)
    answer = charge(simulator)
    assert (answer.status_code, answer.json()) == (503, LOST)
    assert verify(simulator).status_code == 400


def test_a_webhook_may_be_faster_than_the_answer(simulator: Simulator) -> None:
    simulator.fault("flutterwave_charge", "callback_before_answer")
    assert charge(simulator).json()["data"]["status"] == "pending"
    assert simulator.ours.at(WEBHOOK)[0].json["data"]["status"] == "successful"


def test_a_webhook_may_come_twice_or_never(simulator: Simulator) -> None:
    simulator.fault("flutterwave_charge", "callback_twice", seconds=0)
    charge(simulator)
    simulator.prompt()
    simulator.settle("paid")
    first, second = simulator.ours.wait(WEBHOOK, 2)
    assert first.body == second.body

    charge(simulator, tx_ref="bk-2")
    simulator.prompt()
    simulator.settle("no_callback")
    eventually(lambda: verify(simulator, "bk-2").json()["data"]["status"] == "successful")
    assert len(simulator.ours.at(WEBHOOK)) == 2


def test_money_goes_to_a_wallet(simulator: Simulator) -> None:
    before = simulator.balance_cents()
    taken = transfer(simulator).json()
    assert (taken["message"], taken["data"]["status"]) == ("Transfer Queued Successfully", "NEW")

    [heard] = simulator.ours.wait(WEBHOOK)
    assert (heard.json["event"], heard.json["event.type"]) == ("transfer.completed", "Transfer")
    assert heard.json["data"]["status"] == "SUCCESSFUL"
    shown = call(simulator, "GET", f"/transfers/{taken['data']['id']}").json()["data"]
    assert (shown["status"], shown["fee"]) == ("SUCCESSFUL", 100)
    [listed] = call(simulator, "GET", "/transfers?reference=po-1").json()["data"]
    assert listed == shown
    assert simulator.balance_cents() == before + 135_000


def test_money_goes_to_a_bank(simulator: Simulator) -> None:
    codes = {bank["code"] for bank in call(simulator, "GET", "/banks/KE").json()["data"]}
    assert "68" in codes
    transfer(simulator, account_bank="68", account_number="0123456789")
    [heard] = simulator.ours.wait(WEBHOOK)
    data = heard.json["data"]
    assert (data["status"], data["bank_name"]) == ("SUCCESSFUL", "Equity Bank")


def test_a_failed_transfer_is_told_as_completed(start: Start) -> None:
    simulator = start(flutterwave_opening_cents=100_000)
    transfer(simulator)
    [heard] = simulator.ours.wait(WEBHOOK)
    assert heard.json["event"] == "transfer.completed"
    data = heard.json["data"]
    assert data["status"] == "FAILED"
    assert data["complete_message"] == "DISBURSE FAILED: Insufficient funds in customer wallet"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"beneficiary_name": None}, "beneficiary_name is required"),
        ({"account_bank": "999"}, "account_bank is invalid"),
        ({"account_number": "0700000001"}, "phone_number is invalid"),
        ({"reference": None}, "reference is required"),
    ],
)
def test_a_transfer_that_is_refused(
    simulator: Simulator, changes: dict[str, Any], said: str
) -> None:
    assert message(transfer(simulator, **changes)) == (400, said)


def test_a_transfers_reference_is_good_once(simulator: Simulator) -> None:
    before = simulator.balance_cents()
    transfer(simulator)
    assert message(transfer(simulator)) == (400, "Transfer with this reference already exists")
    simulator.ours.wait(WEBHOOK)
    assert simulator.balance_cents() == before + 135_000


def test_a_charge_is_refunded_in_parts_up_to_what_was_paid(simulator: Simulator) -> None:
    before = simulator.balance_cents()
    charge(simulator)
    simulator.prompt()
    path = f"/transactions/{simulator.settle('paid')['id']}/refund"

    first = call(simulator, "POST", path, {"amount": 500}).json()["data"]
    assert (first["amount_refunded"], first["status"]) == (500, "completed")
    status, said = message(call(simulator, "POST", path, {"amount": 1001}))
    assert (status, said.startswith("Refund amount is greater")) == (400, True)
    assert call(simulator, "POST", path, {}).json()["data"]["amount_refunded"] == 1000
    assert simulator.balance_cents() == before
