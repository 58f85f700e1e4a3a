"""``nafasi cancel``, ``disputes``, ``policy``, ``deposit``, ``cases match``: what they do and say."""

import pytest
from typer.testing import Result

from core.booking.model import Booking
from core.clock import ManualClock
from core.db.tx import Database
from core.payments.model import Kind
from tests.core.booking.world import GOLDEN, RECEIPT
from tests.core.disputes.court import Court
from tests.web.rig import Inside


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
