"""What admins read and do over the API, and what they are told when it cannot be."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core.booking.lifecycle import Actor, Event
from core.booking.model import Booking, BookingEvent
from core.cases.model import CaseKind
from core.cases.queries import case_by_number
from core.cases.usecases import assign, open_case
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.disputes.model import Problem
from core.disputes.usecases import note_by_vendor, open_dispute
from core.insight.rules import Ending, HopSeen, Stage
from core.insight.usecases import count_days, note_hops
from core.outbox import Notice
from core.support.usecases import ANSWERED_TOPIC, write
from tests.core.admins.staff import EMAIL
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    STRANGER,
    make_instant_listing,
    make_paid,
    make_vendor,
)
from tests.web.office import API, Office, data, refused
from tests.web.rig import Inside, Web
from web.api.envelope import Failure

POSTS = (
    "/auth/sign-in",
    "/auth/refresh",
    "/auth/sign-out",
    "/admin/tickets/1/answer",
    "/admin/cases/1/close",
    "/admin/disputes/K7P4Q/resolve",
    "/admin/listings/10000/photos/1/take-down",
)
GETS = (
    "tickets",
    "tickets/1",
    "cases",
    "cases/1",
    "disputes",
    "disputes/K7P4Q",
    "listings/10000/photos",
    "funnel",
)


@pytest.fixture
def office(web: Web) -> Office:
    return Office.open(web)


def asks(database: Database, msisdn: str, words: str = "I paid twice") -> int:
    return database.run(lambda tx: write(tx, msisdn, words).number)


def opens_case(database: Database, kind: CaseKind = CaseKind.TAX_UNPAID) -> int:
    number = database.run(lambda tx: open_case(tx, kind, "vat 2026-10", facts={"month": "10"}))
    assert number is not None
    return number


def test_a_question_is_read_answered_and_ended(office: Office, database: Database) -> None:
    number = asks(database, CUSTOMER)
    (listed,) = data(office.get("/admin/tickets"))["tickets"]
    assert (listed["number"], listed["phone"], listed["waits_hours"]) == (
        number, "+2547****001", 0,
    )  # fmt: skip
    read = data(office.get(f"/admin/tickets/{number}"))
    assert (read["phone"], read["notes"][0]["words"]) == ("0700000001", "I paid twice")

    told = data(office.post(f"/admin/tickets/{number}/answer", {"text": "It went back today"}))

    assert (told["state"], told["phone"]) == ("answered", "+2547****001")
    with database.transaction() as tx:
        sms = tx.db.scalars(select(Notice).where(Notice.topic == ANSWERED_TOPIC)).one()
    assert (sms.msisdn, sms.params["words"]) == (CUSTOMER, "It went back today")
    assert data(office.get("/admin/tickets"))["tickets"] == []
    assert len(data(office.get("/admin/tickets?state=answered"))["tickets"]) == 1

    assert data(office.post(f"/admin/tickets/{number}/close"))["state"] == "closed"
    twice = office.post(f"/admin/tickets/{number}/close")
    assert refused(twice) == (422, "illegal_move")
    assert twice.json()["error"]["message"] == "That ticket is closed."
    late = office.post(f"/admin/tickets/{number}/answer", {"text": "Late"})
    assert refused(late) == (422, "illegal_move")


def test_who_answered_and_who_closed_is_told_to_us_alone(
    office: Office, database: Database, inside: Inside
) -> None:
    number = asks(database, CUSTOMER)
    inside("tickets", "answer", number, "Send us the receipt number")
    data(office.post(f"/admin/tickets/{number}/answer", {"text": "It went back today"}))
    # Nobody of ours closes a ticket by answering it.
    assert data(office.get(f"/admin/tickets/{number}"))["closed_by"] is None

    closed = data(office.post(f"/admin/tickets/{number}/close"))

    assert closed["closed_by"] == EMAIL
    read = data(office.get(f"/admin/tickets/{number}"))
    assert [note["by"] for note in read["notes"]] == [None, None, EMAIL]
    *_, theirs, end = inside("tickets", "show", number).stdout.splitlines()
    assert theirs.endswith(f"staff ({EMAIL}): It went back today")
    assert end == f"{closed['closed_at'][:16]} closed by {EMAIL}"
    with database.transaction() as tx:
        told = tx.db.scalars(select(Notice).where(Notice.topic == ANSWERED_TOPIC)).all()
    assert len(told) == 2
    assert all(set(sms.params) == {"number", "words"} for sms in told)


def test_the_queue_is_paged_by_who_waits_longest(
    office: Office, database: Database, clock: ManualClock
) -> None:
    numbers = []
    for msisdn in (CUSTOMER, OTHER_CUSTOMER, STRANGER):
        numbers.append(asks(database, msisdn))
        clock.advance(hours=1)
    # Whoever was answered and asks again stands behind the others.
    data(office.sign_again().post(f"/admin/tickets/{numbers[0]}/answer", {"text": "Yes?"}))
    asks(database, CUSTOMER, "It did not come")

    first = data(office.get("/admin/tickets?limit=2"))
    data(office.post(f"/admin/tickets/{numbers[2]}/answer", {"text": "Done"}))
    rest = data(office.get(f"/admin/tickets?limit=2&after={first['next']}"))

    assert [ticket["number"] for ticket in first["tickets"]] == numbers[1:]
    assert [ticket["number"] for ticket in rest["tickets"]] == numbers[:1]
    assert rest["next"] is None


def test_a_case_is_read_and_ended_by_whoever_it_is_with(
    office: Office, database: Database
) -> None:
    # Both at one moment: the number says which comes first.
    nobodys = opens_case(database)
    others = opens_case(database, CaseKind.DIFFERENCE)
    database.run(lambda tx: assign(tx, others, "finance@nafasi.example"))
    first = data(office.get("/admin/cases?limit=1"))
    rest = data(office.get(f"/admin/cases?after={first['next']}"))
    assert [case["number"] for case in first["cases"] + rest["cases"]] == [nobodys, others]

    for number, owner in ((nobodys, EMAIL), (others, "finance@nafasi.example")):
        data(office.post(f"/admin/cases/{number}/close", {"note": "Paid on Friday."}))
        closed = data(office.get(f"/admin/cases/{number}"))
        assert (closed["state"], closed["owner"], closed["note"]) == (
            "closed", owner, "Paid on Friday.",
        )  # fmt: skip
    twice = office.post(f"/admin/cases/{nobodys}/close", {"note": "Again"})
    assert (refused(twice), twice.json()["error"]["message"]) == (
        (422, "case_closed"), "That case is closed.",
    )  # fmt: skip
    empty = office.post(f"/admin/cases/{others}/close", {"note": " "})
    assert refused(empty) == (422, "bad_note")
    assert database.run(lambda tx: case_by_number(tx, others).note) == "Paid on Friday."


@pytest.fixture
def disputed(database: Database) -> Booking:
    """A booking on its day, with a problem that the vendor has not answered."""
    with database.transaction() as tx:
        booking = make_paid(tx, make_instant_listing(tx, make_vendor(tx)), in_days=2)
        tx.now = booking.starts_at + timedelta(hours=1)
        open_dispute(tx, booking.id, booking.customer_id, Problem.UNCLEAN, "No water at all")
    return booking


def test_a_dispute_is_decided_and_it_is_known_by_whom(
    office: Office, database: Database, disputed: Booking
) -> None:
    code, half = disputed.code, {"customer_percent": 50, "why": "Half a day without water"}
    (listed,) = data(office.get("/admin/disputes"))["disputes"]
    assert (listed["booking"], listed["held_cents"]) == (code, 6_670_000)
    unheard = office.post(f"/admin/disputes/{code}/resolve", half)
    assert refused(unheard) == (422, "illegal_move")
    assert "nobody is judged unheard" in unheard.json()["error"]["message"]
    with database.transaction() as tx:
        tx.now = disputed.starts_at + timedelta(hours=2)
        note_by_vendor(tx, disputed.id, disputed.vendor_id, "From noon on there was")

    # Nobody's "yes" is one percent.
    said_yes = office.post(f"/admin/disputes/{code}/resolve", half | {"customer_percent": True})
    assert refused(said_yes) == (422, "bad_request")

    decided = data(office.post(f"/admin/disputes/{code.lower()}/resolve", half))

    assert (decided["state"], decided["refund_cents"], decided["kept_cents"]) == (
        "resolved", 3_335_000, 3_335_000,
    )  # fmt: skip
    assert data(office.get(f"/admin/disputes/{code}"))["disputes"] == [decided]
    assert database.run(lambda tx: who_resolved(tx, disputed.id)) == (
        Actor.ADMIN,
        office.admin_id,
    )
    twice = office.post(f"/admin/disputes/{code}/resolve", half)
    assert refused(twice) == (404, "no_dispute")


def who_resolved(tx: Tx, booking_id: UUID) -> tuple[Actor, UUID | None]:
    moved = select(BookingEvent).where(
        BookingEvent.booking_id == booking_id, BookingEvent.event == Event.RESOLVE.value
    )
    found = tx.db.scalars(moved).one()
    return found.actor, found.actor_id


def test_funnels_are_those_of_the_command(
    office: Office, database: Database, inside: Inside
) -> None:
    who: Any = {"version": "1", "language": "sw", "role": "customer", "network": "63902"}
    now = database.clock.now()
    hop = HopSeen(
        "hubtel", "s1", now, 4, turn=True, stage=Stage.BOOKED, ended=Ending.FINISHED, **who
    )
    database.run(lambda tx: note_hops(tx, "web-1", 1, [hop]))
    database.run(count_days)

    told = data(office.get("/admin/funnel?by=language&days=400"))

    assert [(one["of"], one["sessions"]["count"]) for one in told["funnels"]] == [("sw", 1)]
    command = inside("funnel", "--by", "language", "--days", 400, "--json")
    assert json.loads(command.stdout) == told


def test_without_a_token_nothing_is_told(office: Office, database: Database) -> None:
    number = asks(database, CUSTOMER)
    office.access = ""

    answers = [office.get(f"/admin/{path}") for path in GETS]
    answers.append(office.post(f"/admin/tickets/{number}/close"))
    answers.append(office.post("/admin/tickets/1/answer", {"text": 7}))

    assert {refused(answer) for answer in answers} == {(401, "not_signed_in")}
    assert all("www-authenticate" in answer.headers for answer in answers)


ODD = (
    ("tickets/99", 404, "no_ticket"),
    ("tickets/0", 422, "bad_request"),
    ("tickets/9999999999999999999999", 422, "bad_request"),
    ("tickets/one", 422, "bad_request"),
    ("tickets?state=lost", 422, "bad_request"),
    ("tickets?limit=0", 422, "bad_request"),
    ("tickets?limit=101", 422, "bad_request"),
    ("tickets?after=1", 422, "bad_request"),
    ("tickets?after=9999999999999999-999999999999999999", 200, ""),
    ("tickets?after=99999999999999999-1", 422, "bad_request"),
    ("cases/99", 404, "not_found"),
    ("cases?after=-", 422, "bad_request"),
    ("disputes/ZZZZ9", 404, "no_booking"),
    ("disputes/%00%00%00%00%00", 422, "bad_request"),
    ("listings/99999/photos", 404, "no_listing"),
    ("listings/999/photos", 422, "bad_request"),
    ("listings/99999999999/photos", 422, "bad_request"),
    ("listings/10000/photos/1/take-down", 405, "bad_method"),
    ("funnel?days=401", 422, "bad_request"),
    ("funnel?by=weather", 422, "bad_request"),
    ("nothing", 404, "not_found"),
    ("tickets/1/answer", 405, "bad_method"),
)


def test_what_cannot_be_asked_is_refused_by_a_code(office: Office) -> None:
    for path, status, code in ODD:
        answer = office.get(f"/admin/{path}")
        assert answer.status_code == status, path
        if status != 200:
            assert refused(answer) == (status, code), path


RUBBISH: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "a list": b"[]",
    "null": b"null",
    "deep": b"[" * 9_000,
    "no fields": b"{}",
    "fields of other kinds": b'{"email":1,"password":[],"code":{},"refresh_token":true,"text":7,'
    b'"note":null,"customer_percent":true,"why":1.5,"reason":{}}',
    "half a letter": b'{"email":"\\ud800","password":"\\ud800","code":"\\ud800",'
    b'"refresh_token":"\\ud800","text":"\\ud800","note":"\\ud800","customer_percent":1e400,'
    b'"why":"\\ud800","reason":"\\ud800"}',
}


def test_rubbish_is_refused_and_nothing_breaks(office: Office, database: Database) -> None:
    asks(database, CUSTOMER)
    opens_case(database)
    for path in POSTS:
        for what, body in RUBBISH.items():
            status, code = refused(office.send(path, body))
            # What is too deep to be read at all is the framework's to refuse.
            assert (status in {400, 422}, code) == (True, "bad_request"), (path, what)
        huge = json.dumps({"text": "x" * 20_000}).encode()
        assert refused(office.send(path, huge)) == (413, "too_long"), path
    nul = {
        "text": "a\x00b",
        "note": "a\x00b",
        "customer_percent": 1,
        "why": "a\x00b",
        "reason": "\x00",
    }
    for path in POSTS[3:]:
        assert refused(office.post(path, nul)) == (422, "bad_request"), path
    long = office.post("/admin/tickets/1/answer", {"text": "x" * 201})
    assert refused(long) == (422, "note_too_long")
    assert "at most 200 letters" in long.json()["error"]["message"]


def test_the_description_says_who_may_and_what_comes_back(office: Office) -> None:
    told = office.web.http.get(f"{API}/openapi.json").json()

    assert told["components"]["securitySchemes"]["admin"]["scheme"] == "bearer"
    admin = {
        (path, verb): operation
        for path, verbs in told["paths"].items()
        for verb, operation in verbs.items()
        if path.startswith(f"{API}/admin/")
    }
    assert len(admin) == 13
    for operation in admin.values():
        assert operation["security"] == [{"admin": []}]
        assert {"200", "401", "404", "422"} <= set(operation["responses"])
        refusal = operation["responses"]["422"]["content"]["application/json"]["schema"]
        assert refusal["$ref"].endswith(f"/{Failure.__name__}")
