"""``nafasi tickets``: staff read questions and answer them."""

import json
from functools import partial

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from core.support.usecases import write
from tests.support.factories import CUSTOMER
from tests.web.rig import Inside


@pytest.fixture
def nafasi(inside: Inside) -> Inside:
    return partial(inside, "tickets")


def test_staff_list_read_answer_and_close(
    nafasi: Inside, database: Database, clock: ManualClock
) -> None:
    assert nafasi().stdout == "Nobody waits for an answer.\n"
    with database.transaction() as tx:
        number = str(write(tx, CUSTOMER, "I paid twice").number)

    assert "+2547****001" in nafasi("list").stdout
    (told,) = json.loads(nafasi("--json").stdout)["tickets"]
    assert (told["number"], told["state"], told["phone"]) == (int(number), "open", "+2547****001")
    shown = nafasi("show", number).stdout
    assert "0700000001" in shown
    assert "I paid twice" in shown

    assert nafasi("answer", number, "It went back today").exit_code == 0
    notes = json.loads(nafasi("show", number, "--json").stdout)["notes"]
    assert [note["words"] for note in notes] == ["I paid twice", "It went back today"]
    assert nafasi("close", number).exit_code == 0
    *_, answered, closed = nafasi("show", number).stdout.splitlines()
    # The console knows nobody's name.
    assert answered.endswith(" staff: It went back today")
    assert closed.endswith(" closed")
    assert nafasi().stdout == "Nobody waits for an answer.\n"


def test_what_cannot_be_is_said_in_a_sentence(nafasi: Inside, database: Database) -> None:
    with database.transaction() as tx:
        number = str(write(tx, CUSTOMER, "I paid twice").number)
    nafasi("close", number)

    for words, sentence in (
        (("show", "99"), "There is no such ticket."),
        (("answer", number, "Late"), "That ticket is closed."),
        (("answer", number, "x" * 500), "at most 200 letters"),
    ):
        refused = nafasi(*words)
        assert refused.exit_code != 0
        assert sentence in " ".join(refused.output.split())
