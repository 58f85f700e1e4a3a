"""``nafasi deadletters``, ``costs`` and ``optouts``: what an admin sees, does and is refused."""

import json
from typing import Any

from typer.testing import Result

from core import outbox
from core.db.tx import Database
from core.outbox import Notice, Sending, Words
from core.people.model import Purpose
from core.people.usecases import Said, opt_out
from core.ports.messages import SmsSent
from tests.support.fakes import notices
from tests.web.rig import Inside

PHONE = "+254700000001"
MASKED = "+2547****001"


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def fail(database: Database, why: str, *, unknown: bool = False) -> Notice:
    with database.transaction() as tx:
        outbox.add(tx, "confirmed", PHONE, {"secret": "words"})
        [notice_id] = outbox.lease(tx, 1)
        outbox.begin(tx, notice_id)
        outbox.failed(tx, notice_id, why, retryable=False, unknown=unknown)
        return tx.db.get_one(Notice, notice_id)


def test_dead_letters_are_listed_shown_and_seen_to(database: Database, inside: Inside) -> None:
    assert "none" in inside("deadletters").stdout
    dead, unknown = fail(database, "bad_number"), fail(database, "timeout", unknown=True)

    listed = told(inside("deadletters", "list", "--json"))["dead_letters"]
    assert [each["id"] for each in listed] == [str(dead.id), str(unknown.id)]
    assert "bad_number" in inside("deadletters").stdout
    shown = inside("deadletters", "show", dead.id)
    assert told(shown)["person"] == MASKED
    assert "words" not in shown.stdout

    refused = inside("deadletters", "retry", unknown.id)
    assert (refused.exit_code, "--maybe-twice" in refused.stderr) == (2, True)
    assert inside("deadletters", "retry", "--why", "timeout", "--maybe-twice").exit_code == 0
    assert inside("deadletters", "drop", dead.id, "--reason", "Called them.").exit_code == 0

    assert {notice.state for notice in notices(database)} == {Sending.WAITING, Sending.DROPPED}
    gone = inside("deadletters", "show", dead.id)
    assert (gone.exit_code, "no such dead letter" in gone.stderr) == (2, True)
    assert inside("deadletters", "retry").exit_code == 2


def test_costs_are_shown_for_a_month(database: Database, inside: Inside) -> None:
    with database.transaction() as tx:
        outbox.add(tx, "confirmed", PHONE, {})
        [notice_id] = outbox.lease(tx, 1)
        outbox.begin(tx, notice_id)
        outbox.sent(tx, notice_id, "africastalking", SmsSent("x", 160), Words("Hi", "sw", 2))

    found = told(inside("costs", "--month", "2026-11", "--json"))

    assert (found["month"], found["total"]["cents"]) == ("2026-11", 160)
    assert [share["name"] for share in found["languages"]] == ["sw"]
    assert "1.60" in inside("costs", "--month", "2026-11").stdout
    assert inside("costs", "--month", "November").exit_code == 2


def test_who_wants_no_offers_is_shown_with_the_proof(database: Database, inside: Inside) -> None:
    said = Said("sms", "africastalking in-1", "ACHA")
    database.run(lambda tx: opt_out(tx, PHONE, Purpose.OFFERS, said))

    found = told(inside("optouts", "0700000001", "--json"))

    assert found["may_write"] == {"bookings": True, "offers": False}
    [word] = found["said"]
    assert (word["reference"], word["words"], word["wanted"]) == (said.reference, "ACHA", False)
    assert PHONE not in str(found)
    assert "'ACHA'" in inside("optouts", PHONE).stdout
    assert inside("optouts", "12").exit_code == 2
