"""The longest that every screen can get: each effect, and what has to be so before it."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from argon2 import PasswordHasher

from core.booking.model import Booking
from core.booking.policy import POLICIES
from core.clock import nairobi_date
from core.db.tx import Tx
from core.people.model import User, Vendor
from core.people.penalties import add_penalty
from core.people.staff import remove_staff
from core.vault import Vault
from tests.conftest import VAULT_KEY
from tests.sessions.worst import (
    APPLICANT,
    CUSTOMER,
    FRIEND,
    JOINING,
    NAME,
    NOBODY,
    OFFERS,
    PEOPLE,
    STAFF,
    VENDOR,
    Case,
    Market,
    wishes,
)
from tests.sessions.worst_market import PIN


def effects(market: Market) -> Iterator[Case]:
    """Every effect that can end a call or say something above the next screen."""
    day = market.day.isoformat()
    wish = {"starts_on": day, "people": PEOPLE, "nights": None, "total_cents": 24_700_000}
    yield Case("language", {"language": "sw"})
    yield Case("help")
    yield Case("book", {**wish, "number": market.numbers["ask"]})
    yield Case("book", {**wish, "number": market.numbers["now"]})
    for name, deposit_cents in (("parts", None), ("deposit", 189_993_700)):
        dear = {"total_cents": 199_993_300, "deposit_cents": deposit_cents}
        yield Case("book", {**wish, **dear, "number": market.numbers[name]})
    yield Case("pay", {"code": market.codes["held"]})
    yield Case("pay", {"code": market.codes["held"]}, FRIEND)
    yield Case("card", {"code": market.codes["held"]})
    yield Case("statement", msisdn=VENDOR)
    for name in ("begun", "waiting", "deposit"):
        yield Case("pay", {"code": market.codes[name]})
        yield Case("pay", {"code": market.codes[name]}, FRIEND)
    yield Case("withdraw", {"code": market.codes["requested"]})
    yield Case("withdraw", {"code": market.codes["begun"]})
    for code, cents in (("paid", 19_760_000), ("nights", 19_209_600)):
        yield Case("cancel", {"code": market.codes[code], "refund_cents": cents})
    yield Case("cancel", {"code": market.codes["paid"], "refund_cents": 0}, ready=_too_near)
    yield Case("let_down", {"code": market.codes["paid"]}, VENDOR)
    yield Case("let_down", {"code": market.codes["paid"]}, VENDOR, ready=_often_cancelled)
    yield Case("done", {"code": market.codes["paid"]}, ready=_begun)
    report = {"code": market.codes["paid"], "problem": "not_there", "said": "w" * 160}
    yield Case("report", report, ready=_begun)
    yield Case("settle", {"code": market.codes["disputed"]})
    for side in (CUSTOMER, VENDOR):
        yield Case("say", {"code": market.codes["disputed"], "said": "w" * 160}, side)
    for changed, agreed_cents in wishes(market):
        if agreed_cents is not None:
            friend = changed["code"] == market.codes["small"]
            agreed = {**changed, "agreed_cents": agreed_cents}
            yield Case("change", agreed, FRIEND if friend else CUSTOMER)
            if not agreed_cents:
                yield Case("change", agreed, ready=_strict)
    for name, msisdn in (("wished", CUSTOMER), ("dearer", FRIEND)):
        yield Case("keep_as_was", {"code": market.codes[name]}, msisdn)
    yield Case("accept_change", {"code": market.codes["wished"]}, VENDOR)
    yield Case("decline_change", {"code": market.codes["wished"]}, VENDOR)
    yield Case("accept", {"code": market.codes["requested"]}, VENDOR)
    yield Case("decline", {"code": market.codes["requested"]}, VENDOR)
    yield Case("check_in", {"code": market.codes["paid"]}, VENDOR, ready=_begun)
    for close in (True, False):
        last = (market.day + timedelta(days=10)).isoformat()
        chosen = {"close": close, "listing": market.listings["now"], "range": [day, last]}
        yield Case("set_days", chosen, VENDOR)
        weekly = {**chosen, "weekday": market.day.weekday(), "until": last}
        yield Case("set_weekdays", weekly, VENDOR)
        yield Case("set_weekdays", weekly, STAFF)
    yield Case("accept", {"code": market.codes["requested"]}, STAFF)
    yield Case("served", {"code": market.codes["in"]}, VENDOR, ready=_over)
    yield from _vending_done(market)


def _vending_done(market: Market) -> Iterator[Case]:
    """The same, said yes to."""
    yield Case("join_id", JOINING, secret="12345678")
    yield Case("join_kra", JOINING, secret="A000000000A")
    vault = Vault([VAULT_KEY])
    sealed = {
        "join_id": vault.seal("12345678").decode(),
        "join_kra": vault.seal("A000000000A").decode(),
    }
    yield Case("join", {**JOINING, **sealed})
    for offer in OFFERS:
        for msisdn in (APPLICANT, VENDOR):
            yield Case("offer", offer, msisdn)
    for name in ("now", "stay"):
        chosen = {"listing": market.listings[name], "price_cents": 99_999_999_00, "size": 5_000}
        yield Case("new_price", chosen, VENDOR)
        yield Case("new_size", chosen, VENDOR)
        yield Case("photo_link", chosen, VENDOR)
    yield Case("send_papers", msisdn=VENDOR)
    number = {"payout_number": NOBODY}
    someone = {"staff_number": NOBODY, "staff_name": NAME}
    for pin in (PIN, "0000"):
        yield Case("pin_old", msisdn=VENDOR, secret=pin)
        yield Case("payout_number", number, VENDOR, secret=pin)
        yield Case("staff_on", someone, VENDOR, secret=pin, ready=_room_for_one)
    yield Case("pin_new", msisdn=VENDOR, secret="1379")
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    kept = vault.seal(hasher.hash("1379")).decode()
    for again in ("1379", "1397"):
        typed = {"pin_sealed": kept, "pin_for": "account", "pin_known": True}
        yield Case("pin_again", typed, VENDOR, secret=again)
    yield Case("staff_off", {"staff": market.staff}, VENDOR)


def _room_for_one(tx: Tx, market: Market) -> None:
    """One of the staff has left."""
    vendor = tx.db.query(Vendor).join(User).filter(User.msisdn == VENDOR).one()
    remove_staff(tx, vendor.id, UUID(market.staff))


def _over(tx: Tx, market: Market) -> None:
    """What was booked is over."""
    booking = tx.db.query(Booking).filter_by(code=market.codes["in"]).one()
    booking.starts_at, booking.ends_at = tx.now - timedelta(hours=9), tx.now
    tx.db.flush()


def _begun(tx: Tx, market: Market) -> None:
    """The paid booking's day has come."""
    booking = tx.db.query(Booking).filter_by(code=market.codes["paid"]).one()
    booking.starts_at, booking.starts_on = tx.now, nairobi_date(tx.now)
    tx.db.flush()


def _strict(tx: Tx, market: Market) -> None:
    """The paid booking's vendor has to agree to a change: cancelling costs more already."""
    booking = tx.db.query(Booking).filter_by(code=market.codes["paid"]).one()
    booking.policy = POLICIES["strict"]
    booking.starts_at = tx.now + timedelta(days=13)
    tx.db.flush()


def _too_near(tx: Tx, market: Market) -> None:
    """The paid booking begins within the hours in which nothing comes back."""
    booking = tx.db.query(Booking).filter_by(code=market.codes["paid"]).one()
    booking.starts_at = tx.now + timedelta(hours=1)
    tx.db.flush()


def _often_cancelled(tx: Tx, market: Market) -> None:
    """The vendor has cancelled as often as two digits say."""
    for name in ("requested", "held", "nights", "declined", "cancelled", "done", "in"):
        booking = tx.db.query(Booking).filter_by(code=market.codes[name]).one()
        add_penalty(tx, booking.vendor_id, booking.id)
