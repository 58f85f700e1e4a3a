"""From the dial to the vendor's M-Pesa, in both languages, with the golden figures."""

from datetime import timedelta

import pytest

from core.clock import SystemClock, nairobi_date
from tests.journeys.trial import Trial, code_in, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

GOLDEN = {
    "revenue:service_fee": 750_000,
    "revenue:commission": 750_000,
    "tax:vat": 920_000,
    "tax:withholding": 250_000,
}
# What the first screen offers to somebody who has this language.
OTHER = {"en": "Kiswahili", "sw": "English"}
TOTAL, NET = 6_670_000, 4_000_000


def tuesday_and_wednesday() -> list[str]:
    """Days of one week, two weeks ahead: both are released before the same Monday."""
    soonest = nairobi_date(SystemClock().now()) + timedelta(days=14)
    tuesday = soonest + timedelta(days=(1 - soonest.weekday()) % 7)
    return [f"{day:%d/%m/%y}" for day in (tuesday, tuesday + timedelta(days=1))]


def walk(trial: Trial, language: str, listing: int, customer: str, vendor: str, day: str) -> str:
    """One booking of a hall for 50,000, from the dial to confirmed; returns its code."""
    phone, hall = trial.phone(customer), trial.phone(vendor)
    phone.read, hall.read = len(phone.messages()), len(hall.messages())
    if f"5. {OTHER[language]}" not in phone.dial("*384*7781#"):
        phone.dial("*384*7781#", "5")
    end = phone.dial(f"*384*7781*{listing}#", "1", day, "80", "1")
    code = code_in(end)
    if listing == 4507:
        hall.message(code, "40,000")
        hall.write(f"{code} 1")
        hall.message(code)
        phone.message(code, "66,700")
        phone.dial(f"*384*7781*{code}#", "1")
    assert phone.pay()["amount"] == 66_700
    confirmed = phone.message(code, "66,700", "PIN")
    assert ("Umelipa" in confirmed) == (language == "sw"), confirmed
    hall.message(code, "40,000")
    return code


def test_from_dial_to_paid_out_in_both_languages() -> None:
    with running(8141, "--no-demo") as trial:
        trial.nafasi("seed", "--no-bookings")
        first, second = tuesday_and_wednesday()
        before = trial.ledger()
        codes = [
            walk(trial, "en", 4507, "+254700000091", "+254700000011", first),
            walk(trial, "en", 4508, "+254700000092", "+254700000012", first),
            walk(trial, "sw", 4507, "+254700000093", "+254700000011", second),
            walk(trial, "sw", 4508, "+254700000094", "+254700000012", second),
        ]
        assert len(set(codes)) == 4
        assert trial.ledger()["escrow:*"] - before.get("escrow:*", 0) == 4 * TOTAL
        trial.advance("35d")
        for vendor in ("+254700000011", "+254700000012"):
            trial.phone(vendor).message("80,000")
        after = trial.ledger()
        for account, each in GOLDEN.items():
            assert after.get(account, 0) - before.get(account, 0) == 4 * each, account
        assert after["float:daraja"] - before.get("float:daraja", 0) == 4 * (TOTAL - NET)
        assert after["escrow:*"] == before.get("escrow:*", 0)
        assert after["payable:*"] == before.get("payable:*", 0)
        assert trial.check() == {"ok": True, "findings": []}
