"""Having payments taken back: what is sent, and what each answer means."""

from typing import Any

import httpx
import pytest
import redis
import respx

from channels.daraja.client import DarajaClient
from channels.daraja.reversal import REVERSAL_PATH, STATUS_PATH, DarajaReversals
from channels.daraja.reversal_callbacks import (
    parse_reversal_result,
    parse_reversal_status,
    parse_reversal_timeout,
)
from core.money import kes
from core.ports.money import (
    NOT_TAKEN_BACK,
    Accepted,
    Outcome,
    Reason,
    TakeBackGateway,
    TakeBackRequest,
)
from core.ports.providers import BadCallback, ProviderError
from tests.channels.daraja.rig import (
    ATTEMPT,
    CALLBACKS,
    ECHO,
    config,
    error_answer,
    flags,
    result,
    sent,
)
from tests.channels.daraja.test_b2c import PEM, TAKEN, opened

REQUEST = TakeBackRequest(ATTEMPT, "SFF6XYQ1AB", kes(66_700))


@pytest.fixture
def reversals(store: redis.Redis, daraja: respx.MockRouter) -> TakeBackGateway:
    return DarajaReversals(DarajaClient(config(certificate=PEM), store))


def test_a_payment_is_asked_for_by_its_receipt_and_whole(
    reversals: TakeBackGateway, daraja: respx.MockRouter
) -> None:
    route = daraja.post(REVERSAL_PATH).mock(return_value=httpx.Response(200, json=TAKEN))

    assert reversals.take_back(REQUEST) == Accepted("AG_20260115_2010")

    body = sent(route.calls.last.request)
    assert opened(body.pop("SecurityCredential")) == "Password-2026"
    assert body == {
        "Initiator": "payoutapi",
        "CommandID": "TransactionReversal",
        "TransactionID": "SFF6XYQ1AB",
        "Amount": 66_700,
        "ReceiverParty": "600123",
        "RecieverIdentifierType": "11",
        "ResultURL": f"{CALLBACKS}/reversal/{ATTEMPT}/result",
        "QueueTimeOutURL": f"{CALLBACKS}/reversal/{ATTEMPT}/timeout",
        "Remarks": "Booking refund",
        "Occasion": "Booking refund",
    }


def test_the_question_is_about_the_payment_and_its_answer_has_an_address_of_its_own(
    reversals: TakeBackGateway, daraja: respx.MockRouter
) -> None:
    route = daraja.post(STATUS_PATH).mock(return_value=httpx.Response(200, json=TAKEN))

    assert reversals.ask_taken_back(ATTEMPT, "SFF6XYQ1AB") is None

    body = sent(route.calls.last.request)
    assert (body["TransactionID"], body["PartyA"]) == ("SFF6XYQ1AB", "600123")
    assert "OriginalConversationID" not in body
    assert body["ResultURL"] == f"{CALLBACKS}/reversal/{ATTEMPT}/status"


@pytest.mark.parametrize(
    ("answer", "code", "wanted"),
    [
        (httpx.Response(200, json={**TAKEN, "ResponseCode": "1"}), "rejected", set()),
        (httpx.Response(200, json={"hello": 1}), "rejected", {"unknown"}),
        (httpx.Response(504, text="<html>"), "unavailable", {"unknown"}),
        (
            error_answer(400, "400.002.02", "Bad Request - Invalid RecieverIdentifierType"),
            "bad_request",
            set(),
        ),
        (error_answer(500, "500.003.02", "System is busy"), "busy", {"retryable"}),
    ],
)
def test_what_the_immediate_answers_mean(
    reversals: TakeBackGateway,
    daraja: respx.MockRouter,
    answer: httpx.Response,
    code: str,
    wanted: set[str],
) -> None:
    daraja.post(REVERSAL_PATH).mock(return_value=answer)
    with pytest.raises(ProviderError) as error:
        reversals.take_back(REQUEST)
    assert (error.value.code, flags(error.value)) == (code, wanted)


DONE = {
    "DebitAccountBalance": "Utility Account|KES|51661.00|51661.00|0.00|0.00",
    "Amount": 66_700,
    "TransCompletedTime": 20_260_115_100_507,
    "OriginalTransactionID": "SFF6XYQ1AB",
    "Charge": 0,
    "CreditPartyPublicName": "254700000001 - JANE WANJIKU",
    "DebitPartyPublicName": "600123 - NAFASI LIMITED",
}


def test_a_success_names_the_reversals_own_receipt() -> None:
    told = parse_reversal_result(ATTEMPT, result(0, "71840-27539181-07", **DONE))
    assert (told.outcome, told.receipt, told.amount) == (
        Outcome.SUCCEEDED,
        "UAF5T4R3E2",
        kes(66_700),
    )
    assert told.payer is None, "who paid may be hidden from us, and gets it all the same"


@pytest.mark.parametrize(
    ("code", "outcome", "reason"),
    [
        ("R000001", Outcome.UNKNOWN, None),
        ("R000002", Outcome.FAILED, Reason.OTHER),
        (1, Outcome.FAILED, Reason.OTHER),
        ("21", Outcome.FAILED, Reason.OTHER),
        (2001, Outcome.FAILED, Reason.CREDENTIALS),
        ("8006", Outcome.FAILED, Reason.CREDENTIALS),
        ("15", Outcome.UNKNOWN, None),
        ("77777", Outcome.UNKNOWN, None),
    ],
)
def test_what_the_results_mean(code: object, outcome: Outcome, reason: Reason | None) -> None:
    told = parse_reversal_result(ATTEMPT, result(code))
    assert (told.outcome, told.reason, told.receipt) == (outcome, reason, None)


@pytest.mark.parametrize(
    ("word", "outcome", "code"),
    [
        ("Reversed", Outcome.SUCCEEDED, "reversed"),
        ("Completed", Outcome.UNKNOWN, NOT_TAKEN_BACK),
        ("Initiated", Outcome.UNKNOWN, "initiated"),
        ("Declined", Outcome.UNKNOWN, "declined"),
    ],
)
def test_that_a_payment_is_completed_means_that_it_was_not_taken_back(
    word: str, outcome: Outcome, code: str
) -> None:
    told = parse_reversal_status(
        ATTEMPT, result("0", "", TransactionStatus=word, Amount="66700.00", ReceiptNo="SFF6XYQ1AB")
    )
    assert (told.outcome, told.code) == (outcome, code)
    assert told.amount == (kes(66_700) if outcome is Outcome.SUCCEEDED else None)


def test_a_question_that_failed_settles_nothing() -> None:
    told = parse_reversal_status(ATTEMPT, result("2032"))
    assert (told.outcome, told.code) == (Outcome.UNKNOWN, "2032")


@pytest.mark.parametrize("body", [ECHO, result("1019"), {}])
def test_what_expired_in_the_queue_is_unknown_whatever_its_body(body: dict[str, Any]) -> None:
    assert parse_reversal_timeout(ATTEMPT, body).outcome is Outcome.UNKNOWN


def test_what_is_no_result_is_refused() -> None:
    for read in (parse_reversal_result, parse_reversal_status):
        with pytest.raises(BadCallback):
            read(ATTEMPT, {"Body": {}})
