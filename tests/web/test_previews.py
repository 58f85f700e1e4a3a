"""What the API says of a price before it is paid, and of cancelling before it is done."""

from collections.abc import Iterator
from datetime import date

import pytest

from core.clock import ManualClock
from core.db.tx import Database
from core.money import kes
from core.payments.cards import ask_for_card
from core.ports.providers import Routes
from tests.core.documents.papers import Papers
from tests.support.factories import (
    CUSTOMER,
    make_held,
    make_listing,
    make_vendor,
)
from tests.web.rig import Web, make_settings, running
from web.api import quota as quotas

DAY = date(2026, 12, 19)


@pytest.fixture
def web(database: Database, redis_url: str) -> Iterator[Web]:
    database.routes = Routes(card=("flutterwave",))
    with running(database, make_settings(database, redis_url)) as made:
        yield made


def quote(number: int) -> str:
    return f"/api/v1/listings/{number}/quote?starts_on={DAY}&people=80"


def test_a_price_with_all_its_parts_and_when_the_refund_drops(
    web: Web, database: Database
) -> None:
    with database.transaction() as tx:
        number = make_listing(tx, make_vendor(tx)).number

    said = web.http.get(quote(number)).json()

    assert said["success"] is True
    assert said["timestamp"] == "2026-11-20T06:00:00Z"
    told = said["data"]
    parts = ("base", "service_fee", "vat", "rounding")
    assert [told[name]["cents"] for name in parts] == [50_000_00, 7_500_00, 9_200_00, 0]
    assert told["total"] == {"currency": "KES", "cents": 66_700_00}
    assert told["policy"] == "standard"
    assert [(step["refund"]["cents"], step["until"]) for step in told["cancellation"]] == [
        (53_360_00, "2026-12-17T06:00:00Z"),
        (33_350_00, "2026-12-18T06:00:00Z"),
        (0, None),
    ]


def test_cancelling_is_told_by_a_link_from_ones_own_messages(
    web: Web, database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        booking = make_held(tx, make_listing(tx, make_vendor(tx)))
        token = ask_for_card(tx, booking, CUSTOMER).token

    told = web.http.get(f"/api/v1/bookings/{token}/cancellation").json()["data"]

    assert (told["code"], told["paid"]) == (booking.code, False)
    assert told["cancellation"][0]["refund"]["cents"] == 53_360_00
    assert web.http.get(f"/api/v1/bookings/{booking.code}/cancellation").status_code == 404


def test_of_a_paid_booking_the_receipt_opens_it(
    web: Web, database: Database, clock: ManualClock
) -> None:
    papers = Papers.open(database, clock)
    booking = papers.confirmed()
    (receipt,) = papers.issue()
    address = f"/api/v1/bookings/{receipt.download_token}/cancellation"

    told = web.http.get(address).json()["data"]
    assert (told["code"], told["paid"]) == (booking.code, True)
    assert told["cancellation"][0]["refund"]["cents"] == kes(53_360).cents

    papers.refunded(booking)
    after = web.http.get(address).json()["data"]
    assert (after["state"], after["cancellation"]) == ("cancelled", [])


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("starts_on=2026-12-19&people=0", 422, "bad_request"),
        ("starts_on=tomorrow&people=80", 422, "bad_request"),
        ("people=80", 422, "bad_request"),
        ("starts_on=2026-12-19&people=5000", 422, "too_many_people"),
        ("starts_on=2025-12-19&people=80", 422, "date_past"),
        ("starts_on=9999-12-31&people=80", 422, "bad_request"),
        ("starts_on=2026-12-19&people=80&nights=31", 422, "bad_request"),
    ],
)
def test_what_cannot_be_is_refused_by_a_code_and_in_words(
    web: Web, database: Database, query: str, status: int, code: str
) -> None:
    with database.transaction() as tx:
        number = make_listing(tx, make_vendor(tx)).number

    answer = web.http.get(f"/api/v1/listings/{number}/quote?{query}")

    said = answer.json()
    assert (answer.status_code, said["success"], said["error"]["code"]) == (status, False, code)
    assert said["error"]["message"]


def test_no_such_listing_in_either_language(web: Web) -> None:
    english = web.http.get(quote(9_999_999)).json()["error"]
    swahili = web.http.get(quote(9_999_999), headers={"accept-language": "sw"}).json()["error"]
    assert english["code"] == swahili["code"] == "no_listing"
    assert english["message"] != swahili["message"]


def test_who_asks_all_day_long_is_told_to_wait(
    database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "PREVIEWS", "3/minute")
    with running(database, make_settings(database, redis_url)) as web:
        answers = [web.http.get(quote(4507)).status_code for _ in range(5)]
        last = web.http.get(quote(4507))
    assert answers == [404, 404, 404, 429, 429]
    assert (last.headers["retry-after"], last.json()["error"]["code"]) == (
        "60",
        "too_many_requests",
    )


def test_the_description_is_there_and_names_only_the_api(web: Web) -> None:
    told = web.http.get("/api/v1/openapi.json").json()
    own = {path for path in told["paths"] if path.split("/")[3] not in {"auth", "admin"}}
    assert own == {
        "/api/v1/listings/{number}/quote",
        "/api/v1/bookings/{token}/cancellation",
    }
