"""Commands about bookings and their money: what they do, and what they say when they do not."""

import pytest
import typer
from sqlalchemy import text
from typer.testing import Result

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.moves import lock_booking
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.money import kes
from core.payments.model import Kind
from tests.core.booking.world import GOLDEN, RECEIPT
from tests.core.disputes.court import Court
from tests.web.rig import Inside
from web.commands.setup import decided


@pytest.fixture
def court(database: Database, clock: ManualClock) -> Court:
    return Court.open(database, clock)


@pytest.fixture
def taking_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator may take payments back."""
    monkeypatch.setenv("NAFASI_TAKE_BACK", "daraja")


def refused(result: Result) -> str:
    assert result.exit_code == 2, result.stdout
    return str(result.stderr)


def paid_by_somebody(court: Court) -> Booking:
    """Paid by hand, by a friend whose number the paybill hides."""
    booking = court.hold()
    assert court.paybill(booking.code, GOLDEN, RECEIPT, payer=None) is None
    return booking


@pytest.mark.usefixtures("taking_back")
def test_what_an_admin_cancels_goes_back_to_whoever_paid(court: Court, inside: Inside) -> None:
    booking = paid_by_somebody(court)

    done = inside("cancel", booking.code, "--reason", "Flood")

    assert done.exit_code == 0, done.stderr
    assert [each.takes_back for each in court.attempts(Kind.RETURN)] == [RECEIPT]


@pytest.mark.usefixtures("taking_back")
def test_what_an_admin_decides_goes_back_to_whoever_paid(court: Court, inside: Inside) -> None:
    booking = paid_by_somebody(court)
    court.clock.set(booking.starts_at)
    court.heard(booking)

    done = inside("disputes", "resolve", booking.code, "--customer", 100, "--why", "No power")

    assert done.exit_code == 0, done.stderr
    assert [each.takes_back for each in court.attempts(Kind.RETURN)] == [RECEIPT]


def test_whoever_cannot_take_back_is_named_before_anything_happens(
    court: Court, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAFASI_TAKE_BACK", "flutterwave")

    said = refused(inside("cancel", court.confirmed().code, "--reason", "Flood"))

    assert said.startswith("These settings cannot be used:")
    assert "NAFASI_TAKE_BACK does not know flutterwave" in said


def test_what_cannot_be_cancelled_is_said_with_what_can_be_done(
    court: Court, inside: Inside
) -> None:
    booking = court.hold()

    said = refused(inside("cancel", booking.code, "--reason", "Flood"))

    assert "only a confirmed booking can be, and this one is awaiting_payment" in said
    assert "Say why" in refused(inside("cancel", booking.code, "--reason", " "))
    assert refused(inside("cancel", "ZZZZZ", "--reason", "Flood")) == "There is no such booking.\n"


def test_what_a_listing_cannot_have_is_said_with_what_it_can(court: Court, inside: Inside) -> None:
    number = court.listing.number

    assert "There are catering, flexible, " in refused(inside("policy", number, "generous"))
    assert "no listing 999 is on offer" in refused(inside("policy", 999, "strict"))
    for unlikely in ((2,), (50, 91)):
        said = refused(inside("deposit", number, *unlikely))
        assert "5 to 95 percent of the price" in said
        assert "1 to 90 days before" in said


@pytest.mark.usefixtures("inside")
def test_whoever_else_works_on_a_booking_is_not_taken_for_a_lost_database(
    court: Court, capsys: pytest.CaptureFixture[str]
) -> None:
    booking = court.confirmed()

    def take(tx: Tx) -> None:
        tx.db.execute(text("SET LOCAL lock_timeout = '50ms'"))
        lock_booking(tx, booking.id)

    with court.database.transaction() as theirs:
        lock_booking(theirs, booking.id)
        with pytest.raises(typer.Exit):
            decided(take, sentences={})

    said = capsys.readouterr().err
    assert said == "Somebody else is working on the same booking or vendor just now. Try again.\n"


def test_a_match_says_what_is_still_missing(court: Court, inside: Inside) -> None:
    booking = court.hold()
    for receipt, amount in (("SFF0000001", kes(66_000)), ("SFF0000002", kes(700))):
        court.paybill("RENT 7", amount, receipt, payer=None)
    court.run(sweep)
    first, second = court.run(open_cases)

    said = inside("cases", "match", first.number, "--booking", booking.code).stderr
    assert f"{booking.code} has the money, but KES 700.00 of its price is still missing" in said
    said = inside("cases", "match", second.number, "--booking", booking.code).stderr
    assert f"{booking.code} is paid; case {second.number} is closed" in said
    assert court.state(booking) is State.CONFIRMED
