"""Parts of long messages as they come over HTTP, also while the database is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import inbox
from core.db.tx import Database
from core.inbox import SEALED, Inbound
from tests.support.serving import eventually
from tests.web.rig import CALLER, Web, make_settings, running
from web.journal import NAME

ROUTES = {"sms_routes": "africastalking,kannel"}
NOWHERE = "postgresql+psycopg://postgres@127.0.0.1:1/nafasi"


@pytest.fixture
def web(database: Database, redis_url: str) -> Iterator[Web]:
    with running(database, make_settings(database, redis_url, **ROUTES)) as web:
        yield web


def call(web: Web, name: str, text: str, header: str) -> tuple[int, str]:
    """Kannel calls; the header as it stands in the address."""
    query = f"id={name}&from=%2B254700000001&to=20384&text={text}&udh={header}"
    answer = web.http.get(f"{web.hook('kannel/sms')}?{query}")
    return answer.status_code, answer.text


def body(database: Database, row: Inbound) -> dict[str, object]:
    return dict(database.run(lambda tx: inbox.body_of(tx, row)))


def test_a_part_is_taken_with_its_octets_and_kept_sealed(web: Web, database: Database) -> None:
    """A NUL and what is not UTF-8 would be refused in any other field."""
    assert call(web, "k-1", "my+PIN+is+48", "%05%00%03%CC%02%01") == (200, "")
    assert call(web, "k-2", "21+thanks", "%05%00%03%CC%02%02") == (200, "")
    assert call(web, "k-2", "21+thanks", "%05%00%03%CC%02%02") == (200, ""), "once more"

    first, second = web.inbox()
    assert (first.person, first.part_of) == (CALLER, "kannel 20384 204/2")
    assert second.part_of == first.part_of
    assert [set(row.payload) for row in (first, second)] == [{SEALED}] * 2
    assert [body(database, row)["text"] for row in (first, second)] == [
        "my PIN is 48",
        "21 thanks",
    ]


@pytest.mark.parametrize("header", ["%05%00%03%CC%02%00", "%FF", "%", "\u00cc", "1&udh=2"])
def test_no_header_costs_a_message(web: Web, header: str) -> None:
    assert call(web, "k-1", "my+PIN+is+4821", header) == (200, "")
    [row] = web.inbox()
    assert row.part_of is None
    assert row.payload["text"] == "my PIN is ****", "as of any whole message"


def test_parts_wait_on_the_disk_like_others_and_unreadable(
    database: Database, redis_url: str, tmp_path: Path
) -> None:
    away = {**ROUTES, "database_url": NOWHERE, "journal_folder": str(tmp_path)}
    with running(database, make_settings(database, redis_url, **away)) as web:
        assert call(web, "k-2", "21+thanks", "%05%00%03%00%02%02") == (200, "")
        assert call(web, "k-1", "my+PIN+is+48", "%05%00%03%00%02%01") == (200, "")
    on_disk = (tmp_path / NAME).read_bytes()
    assert b"k-1" in on_disk
    assert b"PIN" not in on_disk

    back = {**ROUTES, "journal_folder": str(tmp_path)}
    with running(database, make_settings(database, redis_url, **back)) as web:
        rows = eventually(lambda: found if len(found := web.inbox()) == 2 else None)

    assert [row.part_of for row in rows] == ["kannel 20384 0/2"] * 2
    assert [set(row.payload) for row in rows] == [{SEALED}] * 2
    assert [body(database, row)["text"] for row in rows] == ["21 thanks", "my PIN is 48"]
