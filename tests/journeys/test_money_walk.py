"""Money that comes, stays, goes back or comes strangely, seen from outside: phones and commands.

Each story ends with what the phones were told, what the ledger moved, and a clean `nafasi check`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from itertools import count

import psycopg
import pytest

from core.clock import nairobi_date, nairobi_moment
from core.money import Money, kes
from core.pricing.rules import Rates, quote
from core.pricing.shares import left_after
from tests.journeys.trial import Phone, Trial, code_in, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

HALL, HALL_OPENS = 4508, time(8)
VENDOR = "+254700000012"
TOTAL = 66_700
PRICE = quote(kes(50_000), Rates(service_fee=1_500, commission=1_500, vat=1_600, withholding=500))
# What cancelling gives back of it by the standard policy, by the hours before the start.
BACK = {49: 53_360, 47: 33_350, 25: 33_350, 23: 0}


@contextmanager
def opened(port: int) -> Iterator[Trial]:
    with running(port, "--no-demo") as made:
        made.nafasi("seed", "--no-bookings")
        made.nafasi("paybill", "register")
        yield made


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    with opened(8151) as made:
        yield made


@pytest.fixture
def own_trial() -> Iterator[Trial]:
    """For a story of days: what others have booked would be over and paid in the middle of it."""
    with opened(8152) as made:
        yield made


DAYS = count(21)
"""Each booking of the hall gets a day of its own, so many days ahead of the trial's time."""


def now(trial: Trial) -> datetime:
    return datetime.fromisoformat(json.loads(trial.nafasi("clock", "show", "--json"))["now"])


def to(trial: Trial, moment: datetime) -> None:
    """Move time to just past a moment."""
    minutes = (moment - now(trial)) // timedelta(minutes=1)
    trial.advance(f"{minutes + 1}m")


def fresh_day(trial: Trial) -> datetime:
    """When the hall opens on a day that no story has used."""
    return nairobi_moment(nairobi_date(now(trial)) + timedelta(days=next(DAYS)), HALL_OPENS)


def customer(trial: Trial, number: int) -> Phone:
    """A phone that speaks English and has read all of its messages."""
    phone = trial.phone(f"+2547000000{number}")
    if "5. Kiswahili" not in phone.dial("*384*7781#"):
        phone.dial("*384*7781#", "5")
    phone.read = len(phone.messages())
    return phone


def book(phone: Phone, opens: datetime) -> str:
    """Book the hall at once, without paying yet; returns the code."""
    day = f"{nairobi_date(opens):%d/%m/%y}"
    return code_in(phone.dial(f"*384*7781*{HALL}#", "1", day, "80", "1"))


def booked_and_paid(phone: Phone, opens: datetime) -> str:
    code = book(phone, opens)
    assert phone.pay()["amount"] == TOTAL
    phone.message(code, "66,700", "PIN")
    return code


def by_hand(phone: Phone, account: str, shillings: int) -> str:
    """Pay the paybill; what M-Pesa says."""
    body = {"phone": phone.msisdn, "account": account, "amount": shillings}
    return str(phone._post("paybill", body)["status"])


@contextmanager
def moved(trial: Trial, shillings: int = 0) -> Iterator[None]:
    """In the end so much came and is held for bookings, nothing else has changed, all is sound."""
    before = trial.ledger()
    yield
    after = trial.ledger()
    wanted = {"float:daraja": shillings, "escrow:*": shillings, "suspense:daraja": 0}
    for account, each in (wanted | {"payable:*": 0}).items():
        assert after.get(account, 0) - before.get(account, 0) == each * 100, account
    assert trial.check() == {"ok": True, "findings": []}


def of_the_kept(shillings: int) -> int:
    """The vendor's cents of what was kept of the golden price."""
    return left_after(PRICE, [Money(shillings * 100)]).vendor_net.cents


def test_cancelled_at_49_47_25_and_23_hours_before_the_start(own_trial: Trial) -> None:
    trial = own_trial
    # One phone each: M-Pesa refuses a second payment of the same amount within two minutes.
    phones = {hours: customer(trial, 41 + turn) for turn, hours in enumerate(BACK)}
    # A day apart, so that time only moves forward between them.
    opens = {hours: fresh_day(trial) for hours in BACK}
    codes = {hours: booked_and_paid(phones[hours], opens[hours]) for hours in BACK}
    kept = sum(TOTAL - back for back in BACK.values())
    payable = sum(of_the_kept(back) for back in BACK.values())
    before = trial.ledger()

    for hours, back in BACK.items():
        phone = phones[hours]
        to(trial, opens[hours] - timedelta(hours=hours))
        phone.write(f"CANCEL {codes[hours]}")
        asked = phone.message(codes[hours], "CANCEL", "YES")
        assert (f"KES {back:,}" in asked) if back else ("nothing" in asked), asked
        phone.write(f"CANCEL {codes[hours]} YES")
        told = phone.message(codes[hours], "is cancelled")
        assert (f"KES {back:,} back" in told) if back else ("no money" in told), told
        if back:
            phone.message("sent back", f"KES {back:,}")

    after = trial.ledger()
    assert after["escrow:*"] == before["escrow:*"] - len(BACK) * TOTAL * 100
    assert after["float:daraja"] == before["float:daraja"] - (len(BACK) * TOTAL - kept) * 100
    assert after["payable:*"] - before.get("payable:*", 0) == payable
    assert trial.check() == {"ok": True, "findings": []}


def test_cancelled_by_the_vendor(trial: Trial) -> None:
    phone, hall = customer(trial, 32), trial.phone(VENDOR)
    with moved(trial):
        code = booked_and_paid(phone, fresh_day(trial))
        hall.read = len(hall.messages())
        hall.write(f"CANCEL {code}")
        hall.message(code, "KES 66,700 goes back")
        hall.write(f"CANCEL {code} YES")
        hall.message(f"You cancelled {code}")
        phone.message("the vendor cancelled", code, "KES 66,700")
        phone.message("sent back", "KES 66,700")


def test_paid_twice(trial: Trial) -> None:
    """The first prompt seems to fail; the second is paid, and then the first one was too."""
    phone = customer(trial, 33)
    with moved(trial, TOTAL):
        code = book(phone, fresh_day(trial))
        first = phone.pay("timeout")
        phone.message("could not reach", code)
        phone.write(f"PAY {code}")
        phone.message("M-Pesa will ask", code)
        phone.pay()
        phone.message(code, "66,700", "PIN")
        phone._post(f"stk/{first['id']}", {"outcome": "late_paid"})
        phone.message("could no longer be used", "KES 66,700", code)
        phone.message("sent back", "KES 66,700")


def test_paid_after_the_end_of_the_hold_with_the_hall_free(trial: Trial) -> None:
    phone = customer(trial, 34)
    with moved(trial, TOTAL):
        code = book(phone, fresh_day(trial))
        prompt = phone.pay("timeout")
        trial.advance("31m")
        phone.message("not paid in time", code)
        phone._post(f"stk/{prompt['id']}", {"outcome": "late_paid"})
        phone.message(code, "66,700", "is confirmed", "PIN")


def test_paid_after_the_end_of_the_hold_with_the_hall_gone(trial: Trial) -> None:
    phone, faster = customer(trial, 35), customer(trial, 36)
    with moved(trial, TOTAL):
        opens = fresh_day(trial)
        code = book(phone, opens)
        prompt = phone.pay("timeout")
        trial.advance("31m")
        phone.message("not paid in time", code)
        booked_and_paid(faster, opens)
        phone._post(f"stk/{prompt['id']}", {"outcome": "late_paid"})
        phone.message("could no longer be used", code)
        phone.message("sent back", "KES 66,700")


def test_too_little_by_paybill_and_topped_up(trial: Trial) -> None:
    phone = customer(trial, 37)
    with moved(trial, TOTAL):
        code = book(phone, fresh_day(trial))
        phone.pay("cancelled")
        phone.message("cancelled the payment", code)
        assert by_hand(phone, "ZZZZZ", 100) == "rejected"
        assert by_hand(phone, code, 66_701) == "rejected"
        assert by_hand(phone, code.lower(), 20_000) == "completed"
        phone.message("KES 20,000", "KES 46,700 is missing", f"PAY {code}")
        phone.write(f"STATUS {code}")
        phone.message("Partly paid", "20,000 paid", "KES 46,700")
        phone.write(f"PAY {code}")
        phone.message("KES 46,700", "Enter your PIN")
        assert phone.pay()["amount"] == 46_700
        phone.message("Paid KES 66,700", code, "PIN")
        assert by_hand(phone, code, 100) == "rejected"


def test_too_little_by_paybill_and_no_more(trial: Trial) -> None:
    phone = customer(trial, 38)
    with moved(trial):
        code = book(phone, fresh_day(trial))
        phone.pay("cancelled")
        assert by_hand(phone, code, 20_000) == "completed"
        phone.message("KES 46,700 is missing", code)
        trial.advance("2h")
        phone.message("not all was paid in time", "KES 20,000", code)
        phone.message("sent back", "KES 20,000")


def test_seven_hundred_thousand_in_three_parts(trial: Trial) -> None:
    """Two from one account, which is all that it moves in a day; a friend pays the third."""
    phone, friend = customer(trial, 39), customer(trial, 40)
    for each in (phone, friend):
        each._post("phones", {"phone": each.msisdn, "balance_cents": 50_000_000})
    number, people, total = feast(trial)
    with moved(trial, total):
        day = f"{nairobi_date(fresh_day(trial)):%d/%m/%y}"
        shown = phone.dial(f"*384*7781*{number}#", "1", day, str(people), "1")
        assert f"Pay KES {total:,} in 3 parts." in shown
        assert "M-Pesa carries KES 500,000 a day." in shown
        code = code_in(phone.dial(f"*384*7781*{number}#", "1", day, str(people), "1", "1"))
        paid = phone.pay()["amount"]
        phone.message("Now part 2 of 3", code)
        phone.write(f"PAY {code}")
        phone.message("(part 2 of 3)", code)
        paid += phone.pay()["amount"]
        phone.message("Now part 3 of 3", code)
        assert "(part 3 of 3)" in friend.dial(f"*384*7781*{code}#", "1")
        paid += friend.pay()["amount"]
        assert paid == total
        phone.message(f"Paid KES {total:,}", code, "is confirmed")


def feast(trial: Trial) -> tuple[int, int, int]:
    """A caterer, and for how many people a feast costs some 700,000: number, people, total."""
    running_now = json.loads((trial.data / "up.json").read_text())
    url = running_now["environ"]["NAFASI_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT number, price_cents, units FROM listings WHERE category = 'catering'"
            " AND booking_mode = 'instant' AND status = 'published' AND people_min <= 100"
            " ORDER BY units DESC, number"
        ).fetchall()
    rates = Rates(service_fee=1_500, commission=1_500, vat=1_600, withholding=500)
    for number, price_cents, units in found:
        people = kes(700_000).cents * 50_000 // 66_700 // price_cents
        total = quote(Money(price_cents * people), rates).total
        if people <= units and total.cents > kes(690_000).cents:
            return number, people, total.shillings
    raise AssertionError(f"nobody caters for so many: {found}")
