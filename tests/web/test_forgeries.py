"""Forged, wrong and repeated news of money, told at Daraja's addresses."""

import io
import json
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core.booking.lifecycle import State
from core.escrow import ledger
from core.inbox import Arrival, Inbound
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt
from tests.web.market import (
    NOBODYS_ATTEMPT,
    OTHER,
    Market,
    at_once,
)
from tests.web.rig import CALLER
from tests.web.watch import private
from workers.inbox import run_inbox

TOTAL = 66_700
# The books when one booking has been paid for.
PAID = {"escrow:*": TOTAL * 100, "float:daraja": TOTAL * 100}


@pytest.fixture(autouse=True)
def lines(market: Market) -> Iterator[io.StringIO]:
    with private(market) as written:
        yield written


def stk(attempt: Attempt, receipt: str = "UAF5T4R3E2", **over: Any) -> dict[str, Any]:
    """A prompt that was paid, as Daraja tells of it; items of ``over`` replace or add."""
    items = {"Amount": TOTAL, "MpesaReceiptNumber": receipt, "PhoneNumber": 254700000001} | over
    told = {"CheckoutRequestID": attempt.reference, "ResultCode": 0, "ResultDesc": "siri-yangu"}
    listed = [{"Name": name, "Value": value} for name, value in items.items()]
    return {"Body": {"stkCallback": told | {"CallbackMetadata": {"Item": listed}}}}


def stk_failed(attempt: Attempt, code: int = 1032) -> dict[str, Any]:
    told = {"CheckoutRequestID": attempt.reference, "ResultCode": code, "ResultDesc": "no"}
    return {"Body": {"stkCallback": told}}


def call_back(market: Market, path: str, body: Any) -> int:
    url = market.web.hook(f"daraja/{path}")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return market.web.http.post(url, content=content).status_code


def balances(market: Market) -> dict[str, int]:
    """Every account that holds anything, in cents."""
    with market.database.transaction() as tx:
        return {
            line.account: line.balance.cents
            for line in ledger.trial_balance(tx)
            if line.balance.cents
        }


def test_forged_payments_change_nothing(market: Market, lines: io.StringIO) -> None:
    booking, other = market.held(), market.held(OTHER, "26/12")
    attempt, others = market.attempt(booking), market.attempt(other)
    forged: list[tuple[str | UUID, Any]] = [
        (NOBODYS_ATTEMPT, stk(attempt)),
        (attempt.id, stk(attempt, Amount=1)),
        (attempt.id, stk(attempt, Amount=TOTAL + 1)),
        (attempt.id, stk(attempt, Amount=-TOTAL)),
        (attempt.id, stk(attempt, Amount="66700.001")),
        (attempt.id, stk(attempt, Amount=10**30)),
        (attempt.id, stk(attempt, Amount=True)),
        (attempt.id, stk(attempt, Amount=[TOTAL])),
        (attempt.id, stk(attempt, PhoneNumber=254700000061)),
        (others.id, stk(attempt)),
        (attempt.id, {"Body": [stk(attempt)]}),
        (attempt.id, {"Body": {"stkCallback": "paid"}}),
        (attempt.id, {"Body": {"stkCallback": {"ResultCode": 0}}}),
        (attempt.id, {}),
    ]
    for address, body in forged:
        assert call_back(market, f"stk/{address}", body) == 200, body
    market.work()

    assert market.state_of(booking) is market.state_of(other) is State.AWAITING_PAYMENT
    assert balances(market) == {}
    assert lines.getvalue().count('"callback.rejected"') == len(forged)
    # The real one still counts.
    assert call_back(market, f"stk/{attempt.id}", stk(attempt)) == 200
    market.work()
    assert market.state_of(booking) is State.CONFIRMED


def test_what_is_no_json_object_is_refused(market: Market) -> None:
    before = market.stored()
    bodies = [
        b"",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b'{"Body": NaN}',
        b'{"Body": Infinity}',
        b'{"Body": -Infinity}',
        b"{" * 60_000,
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"Body": ' + b"9" * 5_000 + b"}",
        b'{"Body": 1e999999999999999999999}',
        b'{"Body": "\xff\xfe"}',
        b"{'Body': 1}",
        b'{"Body": 1',
    ]
    paths = [f"stk/{NOBODYS_ATTEMPT}", f"b2c/{NOBODYS_ATTEMPT}/result", "c2b/confirmation"]
    for body in bodies:
        for path in paths:
            assert call_back(market, path, body) == 400, body[:40]

    assert market.stored() == before


def test_one_payment_told_at_two_addresses_pays_for_one_booking(market: Market) -> None:
    # Two bookings of the same price; the number is masked, so nothing but the receipt differs.
    booking, other = market.held(), market.held(OTHER, "26/12")
    attempt, others = market.attempt(booking), market.attempt(other)
    masked = "2547 ***** 001"
    call_back(market, f"stk/{attempt.id}", stk(attempt, PhoneNumber=masked))
    call_back(market, f"stk/{others.id}", stk(attempt, PhoneNumber=masked))
    market.work()

    assert market.state_of(booking) is State.CONFIRMED
    assert market.state_of(other) is State.AWAITING_PAYMENT
    assert market.attempt(other).state is AttemptState.PENDING
    # What the other really pays afterwards is theirs.
    call_back(market, f"stk/{others.id}", stk(others, "UAF5T4R3E3", PhoneNumber=masked))
    market.work()
    assert market.state_of(other) is State.CONFIRMED
    assert balances(market) == {account: 2 * cents for account, cents in PAID.items()}


def test_a_result_of_another_kind_says_nothing_of_a_prompt(market: Market) -> None:
    booking = market.held()
    attempt = market.attempt(booking)
    result = {"ResultType": 0, "ResultCode": 0, "TransactionID": "UAF5T4R3E4"}
    status = {"Key": "TransactionStatus", "Value": "Completed"}

    for path, told in (
        ("b2c/{}/result", result),
        ("status/{}/result", result | {"ResultParameters": {"ResultParameter": [status]}}),
        ("b2c/{}/timeout", result),
    ):
        assert call_back(market, path.format(attempt.id), {"Result": told}) == 200
    market.work()

    assert market.state_of(booking) is State.AWAITING_PAYMENT
    assert market.attempt(booking).state is AttemptState.PENDING
    assert balances(market) == {}


def test_a_success_that_names_no_amount_is_asked_about(market: Market) -> None:
    booking = market.held()
    attempt = market.attempt(booking)
    told = {"ResultCode": 0, "CheckoutRequestID": attempt.reference, "ResultDesc": "paid"}
    assert call_back(market, f"stk/{attempt.id}", {"Body": {"stkCallback": told}}) == 200
    market.work()
    assert market.state_of(booking) is State.AWAITING_PAYMENT

    market.clock.advance(seconds=60)
    market.work()

    assert market.collections.asked == [attempt.id]
    assert market.state_of(booking) is State.AWAITING_PAYMENT
    assert balances(market) == {}


def test_success_after_a_failure_counts_and_a_failure_after_it_does_not(market: Market) -> None:
    booking = market.held()
    attempt = market.attempt(booking)
    for body in (stk_failed(attempt), stk(attempt), stk_failed(attempt, 1037), stk(attempt)):
        assert call_back(market, f"stk/{attempt.id}", body) == 200
        market.work()

    assert market.state_of(booking) is State.CONFIRMED
    assert market.attempt(booking).state is AttemptState.SUCCEEDED
    assert balances(market) == PAID


def test_ten_callbacks_at_once_among_failures_post_once(market: Market) -> None:
    booking = market.held()
    attempt = market.attempt(booking)
    paid, failed = stk(attempt), stk_failed(attempt)
    bodies = [paid, failed, *[paid] * 8, failed, stk_failed(attempt, 1037), paid]

    def tell(body: dict[str, Any]) -> int:
        status = call_back(market, f"stk/{attempt.id}", body)
        run_inbox(market.parts)
        return status

    assert at_once([partial(tell, body) for body in bodies]) == [200] * len(bodies)
    market.clock.advance(seconds=30)
    market.work()

    assert market.state_of(booking) is State.CONFIRMED
    assert balances(market) == PAID
    assert (
        len([text for text in market.read(CALLER) if "PIN" in text and "M-Pesa" not in text]) == 1
    )


ODD_C2B: list[dict[str, Any]] = [
    {"BillRefNumber": "%"},
    {"BillRefNumber": "_____"},
    {"BillRefNumber": "' OR 1=1 --"},
    {"BillRefNumber": "x" * 10_000},
    {"BillRefNumber": "\u0000\ud800"},
    {"BillRefNumber": ["K7P4Q"]},
    {"BillRefNumber": None},
    {"BillRefNumber": 66700},
    {"TransAmount": "66700.000000000000000000000000000001"},
    {"TransAmount": "1e400"},
    {"TransAmount": "1e-400"},
    {"TransAmount": "1e-99999999"},
    {"TransAmount": "-66700"},
    {"TransAmount": "0x1048c"},
    {"TransAmount": "66_700"},
    {"TransAmount": "66,700"},
    {"TransAmount": "\u0666\u0666\u0667\u0660\u0661"},
    {"TransAmount": "9" * 4_000},
    {"TransAmount": 10**15},
    {"TransAmount": {"KES": 66700}},
    {"TransAmount": None},
    {"TransID": "x"},
    {"TransID": 7},
    {"TransID": "UAF5T4R3E2'; --"},
    {"BusinessShortCode": "999999"},
    {"BusinessShortCode": ["600123"]},
    {"MSISDN": ["+254700000001"], "BillRefNumber": "ZZZZ9"},
    {"TransTime": "99999999999999", "BillRefNumber": "ZZZZ9"},
]


def test_payments_by_hand_that_cannot_be_are_turned_away(market: Market) -> None:
    booking = market.held()
    good = {
        "TransID": "UAF5T4R3E2",
        "TransAmount": "66700.00",
        "BusinessShortCode": "600123",
        "BillRefNumber": booking.code,
        "MSISDN": "2547 ***** 001",
        "TransTime": "20261120093022",
    }
    for over in ODD_C2B:
        url = market.web.hook("daraja/c2b/validation")
        answer = market.web.http.post(url, content=json.dumps(good | over).encode())
        assert answer.status_code == 200, over
        assert answer.json()["ResultCode"].startswith("C2B000"), over
        # Told as done all the same: kept, judged by the worker, never for this booking.
        assert call_back(market, "c2b/confirmation", good | over) == 200, over
    market.work()

    assert market.state_of(booking) is State.AWAITING_PAYMENT
    with market.database.transaction() as tx:
        dead = tx.db.scalars(select(Inbound.note).where(Inbound.state == Arrival.DEAD)).all()
        ignored = tx.db.scalars(select(Inbound.note).where(Inbound.state == Arrival.IGNORED)).all()
    # What may be money of ours is for a person; what names another paybill is nobody's.
    assert set(dead) == {"bad_callback TransAmount", "bad_callback TransID"}
    assert ignored.count("bad_callback") == 2
    assert "escrow:*" not in balances(market)
