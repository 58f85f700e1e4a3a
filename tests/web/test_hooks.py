"""Callbacks of both providers: kept once, answered at once, applied by nobody here."""

import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from core.booking.moves import find_by_code, lock_booking
from core.booking.timers import due_bookings, fire
from core.clock import ManualClock
from core.db.tx import Database
from core.inbox import Arrival
from core.limits import CALLBACK_BODY_MAX_BYTES
from core.money import kes
from core.payments import settle
from core.ports.money import MoneyEvent, Outcome
from tests.support.factories import CUSTOMER, make_held, make_instant_listing, make_vendor
from tests.support.serving import eventually
from tests.web.rig import CALLER, SECRET, Web, make_settings, running

ATTEMPT = "01a1f6f8-164d-76d9-92e4-1146f7489373"

SMS = {"id": "sms-1", "from": CALLER, "to": "20384", "text": "K7P4Q 1", "date": "2026-11-20"}
REPORT = {"id": "ATXid_1", "status": "Success", "phoneNumber": CALLER, "networkCode": "63902"}
OPT_OUT = {"senderId": "NAFASI", "phoneNumber": CALLER}
EVENT = {
    "sessionId": "ATUid_1",
    "phoneNumber": CALLER,
    "status": "Success",
    "cost": "KES 0.10",
    "input": "1*1234",
    "lastAppResponse": "END Done, Wanjiku",
}
FORMS = [
    ("sms", SMS, "sms", "sms-1"),
    ("delivery-reports", REPORT, "delivery_report", "ATXid_1"),
    ("opt-outs", OPT_OUT, "opt_out", f"{CALLER} 2026-11-20T06"),
    ("ussd-events", EVENT, "ussd_event", "ATUid_1"),
]

STK = {"Body": {"stkCallback": {"CheckoutRequestID": "ws_CO_1", "ResultCode": 1032}}}
RESULT = {"Result": {"ResultCode": 0, "OriginatorConversationID": ATTEMPT}}
C2B = {
    "TransactionType": "Pay Bill",
    "TransID": "UAF9Q8W7E6",
    "TransAmount": "66700.00",
    "BusinessShortCode": "600123",
    "BillRefNumber": "K7P4Q",
    "MSISDN": "2547 ***** 001",
}
MONEY = [
    (f"stk/{ATTEMPT}", STK, "stk"),
    (f"b2c/{ATTEMPT}/result", RESULT, "b2c_result"),
    (f"b2c/{ATTEMPT}/timeout", RESULT, "b2c_timeout"),
    (f"status/{ATTEMPT}/result", RESULT, "status_result"),
    (f"status/{ATTEMPT}/timeout", RESULT, "status_timeout"),
    (f"reversal/{ATTEMPT}/result", RESULT, "reversal_result"),
    (f"reversal/{ATTEMPT}/status", RESULT, "reversal_status"),
    (f"reversal/{ATTEMPT}/timeout", RESULT, "reversal_timeout"),
    (f"balance/{ATTEMPT}/result", RESULT, "balance_result"),
    (f"balance/{ATTEMPT}/timeout", RESULT, "balance_timeout"),
]


@pytest.mark.parametrize(("path", "form", "kind", "reference"), FORMS)
def test_a_form_sent_twice_is_kept_once_and_as_it_came(
    web: Web, path: str, form: dict[str, str], kind: str, reference: str
) -> None:
    answers = [web.http.post(web.hook(f"africastalking/{path}"), data=form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    [kept] = web.inbox()
    assert (kept.provider, kept.kind, kept.reference) == ("africastalking", kind, reference)
    assert kept.state is Arrival.WAITING
    hidden = {"input", "lastAppResponse"}
    assert kept.payload == {key: form[key] for key in form.keys() - hidden}
    counter = f'nafasi_callbacks_total{{kind="{kind}",provider="africastalking",result='
    assert web.metric(f'{counter}"stored"}}') == 1
    assert web.metric(f'{counter}"repeated"}}') == 1


def test_each_status_of_one_message_is_a_report_of_its_own(web: Web) -> None:
    for status in ("Sent", "Success"):
        form = REPORT | {"status": status}
        web.http.post(web.hook("africastalking/delivery-reports"), data=form)

    assert [row.payload["status"] for row in web.inbox()] == ["Sent", "Success"]


def test_somebody_may_opt_out_again_after_coming_back(web: Web, clock: ManualClock) -> None:
    web.http.post(web.hook("africastalking/opt-outs"), data=OPT_OUT)
    clock.advance(hours=2)
    web.http.post(web.hook("africastalking/opt-outs"), data=OPT_OUT)

    assert len(web.inbox()) == 2


def test_what_was_typed_in_a_call_is_not_kept(web: Web) -> None:
    web.http.post(web.hook("africastalking/ussd-events"), data=EVENT)

    [kept] = web.inbox()
    assert "1234" not in str(kept.payload)
    assert "Wanjiku" not in str(kept.payload)


def test_a_nul_in_a_message_does_not_lose_the_message(web: Web) -> None:
    form = SMS | {"text": "YES\x00"}

    assert web.http.post(web.hook("africastalking/sms"), data=form).status_code == 200
    assert web.inbox()[0].payload["text"] == "YES"


def test_a_message_from_a_machine_is_taken_and_dropped(web: Web) -> None:
    for sender in ("MPESA", "40404x"):
        answer = web.http.post(web.hook("africastalking/sms"), data=SMS | {"from": sender})
        assert answer.status_code == 200, "a refusal would be sent again for hours"

    assert web.inbox() == []


def test_a_malformed_form_is_refused_and_leaves_nothing(web: Web) -> None:
    malformed = [
        ("sms", SMS | {"id": ""}),
        ("sms", SMS | {"from": ""}),
        ("sms", SMS | {"text": "x" * 2_001}),
        ("delivery-reports", {"id": "ATXid_1"}),
        ("opt-outs", {"senderId": "NAFASI"}),
        ("ussd-events", {"sessionId": "ATUid_1"}),
    ]
    for path, form in malformed:
        answer = web.http.post(web.hook(f"africastalking/{path}"), data=form)
        assert answer.status_code == 400, form

    assert web.inbox() == []


@pytest.mark.parametrize(("path", "body", "kind"), MONEY)
def test_a_money_callback_is_kept_with_the_attempt_of_its_address(
    web: Web, path: str, body: dict[str, Any], kind: str
) -> None:
    answers = [web.http.post(web.hook(f"daraja/{path}"), json=body) for _ in range(2)]

    assert [answer.json() for answer in answers] == [
        {"ResultCode": 0, "ResultDesc": "Accepted"}
    ] * 2
    [kept] = web.inbox()
    assert (kept.provider, kept.kind, kept.reference) == ("daraja", kind, ATTEMPT)
    assert kept.payload == {"attempt_id": ATTEMPT, "body": body}


def test_our_own_credentials_in_an_echo_are_not_kept(web: Web) -> None:
    echo = RESULT | {"SecurityCredential": "c2VjcmV0", "InitiatorName": "payoutapi"}

    web.http.post(web.hook(f"daraja/b2c/{ATTEMPT}/timeout"), json=echo)

    kept = str(web.inbox()[0].payload)
    assert "c2VjcmV0" not in kept
    assert "payoutapi" not in kept


def test_amounts_stay_exact(web: Web) -> None:
    body = b'{"Body": {"stkCallback": {"Amount": 66700.10}}}'

    web.http.post(web.hook(f"daraja/stk/{ATTEMPT}"), content=body)

    assert web.inbox()[0].payload["body"]["Body"]["stkCallback"]["Amount"] == "66700.10"


def test_json_of_an_unknown_shape_is_kept_for_the_worker_to_judge(web: Web) -> None:
    # An error would make Daraja slow us down, and money may be behind it.
    answer = web.http.post(web.hook(f"daraja/stk/{ATTEMPT}"), json={"surprise": True})

    assert answer.status_code == 200
    assert len(web.inbox()) == 1


def test_what_is_no_json_object_is_refused(web: Web) -> None:
    for body in (b"", b"{", b"[]", b'"x"', b"NaN", b"{" * 50_000):
        for path in (f"stk/{ATTEMPT}", "c2b/confirmation"):
            answer = web.http.post(web.hook(f"daraja/{path}"), content=body)
            assert answer.status_code == 400, body

    assert web.inbox() == []


def test_other_addresses_do_not_exist(web: Web) -> None:
    africastalking = ["africastalking/voice"]
    daraja = ["stk/not-an-id", f"b2c/{ATTEMPT}", f"stk/{ATTEMPT}/result", "c2b/other"]
    for path in (*africastalking, *(f"daraja/{path}" for path in daraja)):
        assert web.http.post(web.hook(path), json={}).status_code == 404, path


def test_without_the_secret_nothing_is_there(web: Web) -> None:
    paths = [f"africastalking/{path}" for path, *_ in FORMS]
    paths += [f"daraja/{path}" for path, *_ in MONEY]
    for path in (*paths, "daraja/c2b/confirmation", "daraja/c2b/validation"):
        for secret in ("wrong", SECRET[:-1], f"{SECRET}x"):
            answer = web.http.post(web.hook(path, secret), json=C2B)
            assert answer.status_code == 404, path

    assert web.inbox() == []


def test_an_endless_callback_is_refused(web: Web) -> None:
    body = b'{"x": "' + b"x" * CALLBACK_BODY_MAX_BYTES + b'"}'

    assert web.http.post(web.hook(f"daraja/stk/{ATTEMPT}"), content=body).status_code == 413
    assert web.inbox() == []


def test_a_confirmation_is_kept_by_its_receipt(web: Web) -> None:
    for _ in range(2):
        answer = web.http.post(web.hook("daraja/c2b/confirmation"), json=C2B)
        assert answer.json()["ResultCode"] == 0

    [kept] = web.inbox()
    assert (kept.kind, kept.reference) == ("c2b_confirmation", "UAF9Q8W7E6")
    assert kept.payload == {"attempt_id": None, "body": C2B}


def test_a_confirmation_without_a_receipt_is_kept_all_the_same(web: Web) -> None:
    body = {key: value for key, value in C2B.items() if key != "TransID"}

    assert web.http.post(web.hook("daraja/c2b/confirmation"), json=body).status_code == 200
    assert len(web.inbox()) == 1


def held_code(database: Database) -> str:
    """A booking of the golden hall that waits for KES 66,700."""
    with database.transaction() as tx:
        vendor = make_vendor(tx)
        return make_held(tx, make_instant_listing(tx, vendor), CUSTOMER).code


# Issue 3; M-Pesa itself waits some 8 s.
VALIDATION_SECONDS = 1.0
PAID_BY_HAND = MoneyEvent("daraja", Outcome.SUCCEEDED, payer=CUSTOMER)
FITS = [
    ({}, "0"),
    ({"TransAmount": "66700"}, "0"),
    ({"TransAmount": "66699.00"}, "0"),
    ({"TransAmount": "1"}, "0"),
    ({"TransAmount": "66701.00"}, "C2B00013"),
    ({"TransAmount": "100.50"}, "C2B00013"),
    ({"TransAmount": "0"}, "C2B00013"),
    ({"TransAmount": "lots"}, "C2B00013"),
    ({"BillRefNumber": "ZZZZ9"}, "C2B00012"),
    ({"BillRefNumber": ""}, "C2B00012"),
    ({"BusinessShortCode": "600999"}, "C2B00015"),
    ({"TransID": ""}, "C2B00016"),
]


def test_validation_lets_in_what_fits_a_waiting_booking(web: Web) -> None:
    booking = held_code(web.parts.database)
    for change, code in FITS:
        body = C2B | {"BillRefNumber": booking} | change
        answer = web.http.post(web.hook("daraja/c2b/validation"), json=body)
        assert answer.status_code == 200
        assert answer.json()["ResultCode"] == code, change

    assert web.inbox() == []


def test_validation_refuses_money_for_a_booking_that_has_run_out(
    web: Web, clock: ManualClock
) -> None:
    database = web.parts.database
    booking = held_code(database)
    clock.advance(hours=1)
    with database.transaction() as tx:
        [due] = due_bookings(tx, 10)
        fire(tx, due)

    body = C2B | {"BillRefNumber": booking}
    answer = web.http.post(web.hook("daraja/c2b/validation"), json=body)

    assert answer.json()["ResultCode"] == "C2B00012"


def test_validation_asks_for_no_more_than_is_left(web: Web) -> None:
    """Of what a booking waits for some has come; then all of it has."""
    database = web.parts.database
    booking = held_code(database)
    said = []
    for paid, tried in ((20_000, 46_700), (0, 46_701), (46_700, 1)):
        if paid:
            part = replace(PAID_BY_HAND, account=booking, amount=kes(paid), receipt=f"SFF{paid}")
            database.run(lambda tx, part=part: settle.apply(tx, part))
        body = C2B | {"BillRefNumber": booking, "TransAmount": f"{tried}.00"}
        said.append(web.http.post(web.hook("daraja/c2b/validation"), json=body).json())

    assert [answer["ResultCode"] for answer in said] == ["0", "C2B00013", "C2B00012"]


def test_validation_answers_within_a_second_while_the_booking_is_locked(web: Web) -> None:
    """A worker that applies a payment holds the booking; whoever is asked does not wait for it."""
    database = web.parts.database
    body = C2B | {"BillRefNumber": held_code(database)}
    with database.transaction() as tx:
        lock_booking(tx, find_by_code(tx, body["BillRefNumber"]).id)
        began = time.monotonic()
        answer = web.http.post(web.hook("daraja/c2b/validation"), json=body)
        took = time.monotonic() - began

    assert answer.json()["ResultCode"] == "0"
    assert took < VALIDATION_SECONDS


def test_validation_reads_codes_as_people_type_them(web: Web) -> None:
    booking = held_code(web.parts.database)
    body = C2B | {"BillRefNumber": f" {booking[:3].lower()} {booking[3:].lower()}"}

    answer = web.http.post(web.hook("daraja/c2b/validation"), json=body)

    assert answer.json()["ResultCode"] == "0"


def test_a_kept_callback_wakes_a_worker(web: Web) -> None:
    web.http.post(web.hook("africastalking/sms"), data=SMS)

    message = eventually(lambda: web.store.lindex("default", 0))
    assert "inbox.run" in message


def test_what_could_not_be_kept_is_not_acknowledged(web: Web) -> None:
    with web.parts.database.transaction() as tx:
        tx.db.execute(text("ALTER TABLE inbox RENAME TO gone"))

    answer = web.http.post(web.hook("africastalking/sms"), data=SMS)

    # The provider comes again.
    assert answer.status_code == 500


def test_money_is_told_from_the_listed_addresses_alone(database: Database, redis_url: str) -> None:
    elsewhere = make_settings(database, redis_url, daraja_callback_ips="192.0.2.7, 192.0.2.8")
    with running(database, elsewhere) as web:
        told = web.http.post(web.hook(f"daraja/stk/{ATTEMPT}"), json=STK)
        assert told.status_code == 404
        assert web.inbox() == []

    here = make_settings(database, redis_url, daraja_callback_ips="192.0.2.7,127.0.0.1")
    with running(database, here) as web:
        told = web.http.post(web.hook(f"daraja/stk/{ATTEMPT}"), json=STK)
        assert told.status_code == 200
        assert len(web.inbox()) == 1
