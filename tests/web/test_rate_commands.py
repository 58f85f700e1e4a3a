"""``nafasi rates``: a change of law is entered before its day, never for one that is over."""

import json
from datetime import date, timedelta

import pytest

from core.clock import SystemClock, nairobi_date
from core.db.tx import Database
from core.pricing.queries import rates_on
from core.pricing.rules import RateBase
from tests.web.rig import Inside


def this_day() -> date:
    """Return the machine's day in Kenya, in which commands live."""
    return nairobi_date(SystemClock().now())


def test_a_rate_is_set_for_a_day_to_come(database: Database, inside: Inside) -> None:
    day = this_day() + timedelta(days=30)

    said = inside("rates", "add", "vat", "17.5", "--from", day.isoformat(), "--of", "fee")

    assert said.exit_code == 0, said.stderr
    assert said.stderr == f"vat is 17.5 % from {day:%d %b %Y} on.\n"
    with database.transaction() as tx:
        before, after = rates_on(tx, day - timedelta(days=1)), rates_on(tx, day)
    assert (before.vat, before.vat_base) == (1600, RateBase.PRICE_AND_FEE)
    assert (after.vat, after.vat_base) == (1750, RateBase.FEE)
    shown = json.loads(inside("rates", "--json").stdout)["rates"]
    assert [(one["percent"], one["base"]) for one in shown if one["name"] == "vat"] == [
        ("17.5", "fee"),
        ("16", None),
    ]
    assert f"vat            17.5 % of fee from {day}" in inside("rates").stdout


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (("vat", "18", "--from", "{today}"), "A rate begins tomorrow at the earliest"),
        (("vat", "18", "--from", "2020-01-01"), "A rate begins tomorrow at the earliest"),
        (("vat", "sixteen", "--from", "{tomorrow}"), "A rate is from 0 to 100 percent"),
        (("vat", "NaN", "--from", "{tomorrow}"), "A rate is from 0 to 100 percent"),
        (("vat", "16.125", "--from", "{tomorrow}"), "A rate is from 0 to 100 percent"),
        (("vat", "101", "--from", "{tomorrow}"), "A rate is from 0 to 100 percent"),
        (("vat", "16", "--from", "{tomorrow}", "--of", "price"), "price_and_fee or fee"),
        (("commission", "16", "--from", "{tomorrow}", "--of", "price"), "can be of nothing"),
        (("commission", "95", "--from", "{tomorrow}"), "would leave the vendor nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(inside: Inside, typed: tuple[str, ...], why: str) -> None:
    today = this_day()
    days = {"today": today, "tomorrow": today + timedelta(days=1)}

    said = inside("rates", "add", *(word.format(**days) for word in typed))

    assert said.exit_code == 2
    assert why in said.stderr
    assert len(inside("rates").stdout.splitlines()) == 4


def test_the_same_day_twice_is_refused(inside: Inside) -> None:
    day = (this_day() + timedelta(days=1)).isoformat()
    first = inside("rates", "add", "commission", "12", "--from", day, "--category", "stay")
    assert first.exit_code == 0, first.stderr

    again = inside("rates", "add", "commission", "13", "--from", day, "--category", "stay")

    assert "rates are added, never changed" in again.stderr
    assert f"commission       12 % for stay from {day}" in inside("rates").stdout
