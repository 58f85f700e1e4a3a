"""Payouts and questions about them."""

import re
from typing import Any

import httpx
import pytest

from core.clock import ManualClock
from tests.channels.simulator.rig import MSISDN, PHONE, Simulator
from tests.support.serving import eventually

OPENING_CENTS = 20_000_000
UTILITY_CENTS = 500_000_000


def result(simulator: Simulator, end: str = "/b2c/result", count: int = 1) -> dict[str, Any]:
    return dict(simulator.ours.wait(end, count)[-1].json["Result"])


def parameters(found: dict[str, Any]) -> dict[str, Any]:
    rows = found["ResultParameters"]["ResultParameter"]
    return {row["Key"]: row.get("Value") for row in rows}


def error(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["errorCode"], body["errorMessage"]


def test_a_payout_arrives(simulator: Simulator) -> None:
    accepted = simulator.payout()

    assert accepted.status_code == 200
    body = accepted.json()
    assert re.fullmatch("AG_20260115_[0-9a-f]{20}", body.pop("ConversationID"))
    assert body == {
        "OriginatorConversationID": "po-1",
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }
    done = result(simulator)
    assert (done["ResultType"], done["ResultCode"]) == (0, 0)
    assert done["OriginatorConversationID"] == "po-1"
    assert done["ConversationID"] == accepted.json()["ConversationID"]
    assert parameters(done) == {
        "TransactionAmount": 1350,
        "TransactionReceipt": done["TransactionID"],
        "ReceiverPartyPublicName": f"{MSISDN} - JANE VENDOR",
        "TransactionCompletedDateTime": "15.01.2026 09:30:00",
        "B2CUtilityAccountAvailableFunds": 4_998_650.0,
        "B2CWorkingAccountAvailableFunds": 0.0,
        "B2CRecipientIsRegisteredCustomer": "Y",
        "B2CChargesPaidAccountAvailableFunds": -5.0,
    }
    assert done["ReferenceData"]["ReferenceItem"]["Key"] == "QueueTimeoutURL"
    assert simulator.balance_cents() == OPENING_CENTS + 135_000


def test_types_vary_from_result_to_result(simulator: Simulator) -> None:
    simulator.payout()
    result(simulator)
    simulator.payout(OriginatorConversationID="po-2")

    second = result(simulator, count=2)

    assert second["ResultCode"] == "0"
    assert isinstance(second["ReferenceData"]["ReferenceItem"], list)


def test_the_same_id_never_pays_twice(simulator: Simulator) -> None:
    simulator.payout()
    result(simulator)

    again = error(simulator.payout())

    assert again == (500, "500.002.1001", "Duplicate OriginatorConversationID")
    assert simulator.balance_cents() == OPENING_CENTS + 135_000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Amount": 9}, "2"),
        ({"Amount": 250_001}, "3"),
        ({"PartyA": "600999"}, "2028"),
        ({"InitiatorName": "stranger"}, "2001"),
        ({"SecurityCredential": "bm90IGl0"}, "2001"),
        ({"SecurityCredential": "not base64!"}, "2001"),
    ],
)
def test_payouts_that_fail(simulator: Simulator, changes: dict[str, Any], code: str) -> None:
    simulator.payout(**changes)

    failed = result(simulator)

    assert str(failed["ResultCode"]) == code
    assert failed["TransactionID"] == "UAF0000000"
    assert "ResultParameters" not in failed
    assert simulator.balance_cents() == OPENING_CENTS


def test_an_empty_utility_account_is_code_1(simulator: Simulator) -> None:
    shortcode = simulator.config.b2c_shortcode
    simulator.control("/organisations", {"shortcode": shortcode, "utility_cents": 134_999})
    simulator.payout()

    assert str(result(simulator)["ResultCode"]) == "1"


@pytest.mark.parametrize(
    ("phone", "code"),
    [({"on_mpesa": False}, "2040"), ({"balance_cents": 49_865_001}, "8")],
)
def test_a_receiver_that_cannot_take_it(
    simulator: Simulator, phone: dict[str, Any], code: str
) -> None:
    simulator.control("/phones", {"phone": PHONE, **phone})
    simulator.payout()

    assert str(result(simulator)["ResultCode"]) == code


def test_a_receiver_has_a_daily_limit(simulator: Simulator, clock: ManualClock) -> None:
    codes = []
    for count, amount in enumerate((250_000, 250_000, 10), start=1):
        simulator.control("/phones", {"phone": PHONE, "balance_cents": 0})
        simulator.payout(OriginatorConversationID=f"po-{count}", Amount=amount)
        codes.append(str(result(simulator, count=count)["ResultCode"]))
    assert codes == ["0", "0", "4"]

    clock.advance(hours=24)
    simulator.payout(OriginatorConversationID="po-4", Amount=10)
    assert str(result(simulator, count=4)["ResultCode"]) == "0"


def test_wrong_credentials_lock_the_initiator(simulator: Simulator) -> None:
    codes = []
    for count in range(1, 5):
        wrong = simulator.credential("Wrong-2026") if count < 4 else simulator.credential()
        simulator.payout(OriginatorConversationID=f"po-{count}", SecurityCredential=wrong)
        codes.append(str(result(simulator, count=count)["ResultCode"]))

    assert codes == ["2001", "2001", "2001", "8006"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("OriginatorConversationID", None),
        ("OriginatorConversationID", "a b"),
        ("CommandID", "Gift"),
        ("Amount", "1350.50"),
        ("PartyB", "+254700000001"),
        ("Remarks", "x"),
        ("ResultURL", "https://example.co.ke/safaricom"),
        ("QueueTimeOutURL", None),
        ("SecurityCredential", None),
    ],
)
def test_a_bad_field_is_named(simulator: Simulator, field: str, value: object) -> None:
    answer = error(simulator.payout(**{field: value}))

    assert answer == (400, "400.002.02", f"Bad Request - Invalid {field}")


@pytest.mark.parametrize(
    ("fault", "status", "gained_cents"),
    [("queue_timeout", "Expired", 0), ("queue_timeout_paid", "Completed", 135_000)],
)
def test_the_queue_may_time_out_with_an_echo(
    simulator: Simulator, fault: str, status: str, gained_cents: int
) -> None:
    simulator.fault("b2c", fault)
    simulator.payout()

    (heard,) = simulator.ours.wait("/b2c/timeout")
    echo = heard.json
    assert (echo["OriginatorConversationID"], echo["Amount"]) == ("po-1", 1350)
    assert echo["SecurityCredential"]
    assert simulator.balance_cents() == OPENING_CENTS + gained_cents
    simulator.status(OriginalConversationID="po-1")
    found = parameters(result(simulator, "/status/result"))
    assert found["TransactionStatus"] == status
    assert simulator.ours.at("/b2c/result") == []


def test_a_lost_answer_may_have_paid(simulator: Simulator) -> None:
    simulator.fault("b2c", "timeout_after", seconds=0.02)

    assert simulator.payout().status_code == 504

    assert str(result(simulator)["ResultCode"]) == "0"
    assert error(simulator.payout())[1] == "500.002.1001"


def test_the_result_may_come_before_the_answer(simulator: Simulator) -> None:
    simulator.fault("b2c", "callback_before_answer")

    simulator.payout()

    assert len(simulator.ours.at("/b2c/result")) == 1


def test_a_code_as_told_pays_nothing(simulator: Simulator) -> None:
    simulator.fault("b2c", "insider_code:26")
    simulator.payout()

    assert str(result(simulator)["ResultCode"]) == "26"
    assert simulator.balance_cents() == OPENING_CENTS


def test_the_status_of_a_payout_by_our_own_id(simulator: Simulator) -> None:
    simulator.payout()
    receipt = result(simulator)["TransactionID"]

    assert simulator.status(OriginalConversationID="po-1").json()["ResponseCode"] == "0"

    answer = result(simulator, "/status/result")
    assert answer["TransactionID"] == "UAF0000000"
    found = parameters(answer)
    assert found["ReceiptNo"] == receipt
    assert found["TransactionStatus"] == "Completed"
    assert found["OriginatorConversationID"] == "po-1"
    assert found["Amount"] == "1350.00"
    assert found["DebitPartyCharges"] == "Fee For B2C Payment|KES|5.00"
    assert found["TransactionReason"] is None


def test_the_status_of_a_receipt_and_of_a_declined_payout(simulator: Simulator) -> None:
    simulator.push()
    receipt = simulator.settle("paid")["receipt"]
    simulator.payout(Amount=9)
    result(simulator)

    simulator.status(TransactionID=receipt, PartyA=simulator.config.shortcode)
    paid = parameters(result(simulator, "/status/result"))
    simulator.status(OriginalConversationID="po-1")
    declined = parameters(result(simulator, "/status/result", 2))

    assert (paid["TransactionStatus"], paid["ReceiptNo"]) == ("Completed", receipt)
    assert (declined["TransactionStatus"], declined["ReceiptNo"]) == ("Declined", "")


def test_the_status_of_nothing(simulator: Simulator) -> None:
    assert error(simulator.status())[2] == "Bad Request - Invalid TransactionID"

    simulator.status(OriginalConversationID="po-unknown")
    answer = result(simulator, "/status/result")
    assert (str(answer["ResultCode"]), "ResultParameters" in answer) == ("2032", False)


def test_the_journal_covers_what_is_secret(simulator: Simulator) -> None:
    simulator.payout()
    simulator.sms()
    simulator.ours.wait("/delivery-reports", 2)
    eventually(lambda: simulator.ours.at("/b2c/result"))

    log = simulator.http.get(f"{simulator.base}/simulator/api/log").text

    assert "po-1" in log
    assert "s3cret" not in log
    assert "SecurityCredential" in log
    assert "Password" not in log or '\\"Password\\": \\"***' in log
    assert not re.search(r"SecurityCredential\\*\": *\\*\"[A-Za-z0-9+/]", log)
