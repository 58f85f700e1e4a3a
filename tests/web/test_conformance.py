"""The battery that no other engine passes whole, over HTTP against the real application.

One row of the published table each: what networks and people do to a menu, and what must come of
it. The rules behind it are tested on a small flow in ``tests/sessions/test_conformance.py``.
"""

from datetime import timedelta
from functools import partial

from core.booking.lifecycle import State
from core.clock import nairobi_date
from core.networks import SCREEN_SEPTETS
from sessions.gsm7 import septets
from tests.web.market import ASKED, INSTANT, Line, Market, at_once, phone

TO_SUMMARY = ("1", "25/12", "50")
OTHER = phone(61)
HOME = "Karibu Nafasi!"
BOOKED = "END Pay KES 66,700 "


def at_summary(market: Market) -> Line:
    """A call that stands before the yes to the instant hall."""
    line = market.line()
    line.dial(INSTANT)
    assert "Pay KES 66,700" in line.type(*TO_SUMMARY)
    return line


def test_the_same_hop_twice_shows_the_same_and_moves_nothing(market: Market) -> None:
    line = market.line()
    shown = [line.dial(), line.type("1"), line.type("1"), line.type("25/12")]
    for before in reversed(shown):
        assert line.again() == before
        if line.typed:
            line.typed.pop()

    line.typed = ["1", "1", "25/12"]
    assert "60000" in line.type("50")


def test_the_same_yes_eight_times_at_once_books_once_with_the_same_bytes(market: Market) -> None:
    line = at_summary(market)
    line.typed.append("1")

    shown = at_once([line.again] * 8)

    assert len(set(shown)) == 1
    [booking] = market.bookings()
    assert shown[0].startswith(BOOKED)
    assert booking.code in shown[0]
    assert len(market.attempts()) == 1


def test_the_last_hop_again_says_goodbye_again(market: Market) -> None:
    line = at_summary(market)
    goodbye = line.type("1")

    assert [line.again() for _ in range(3)] == [goodbye] * 3
    assert line.type("1") == goodbye
    assert len(market.bookings()) == 1


def test_an_older_hop_that_comes_late_changes_nothing(market: Market) -> None:
    line = at_summary(market)
    older = market.hop(line.session, f"{INSTANT}*1", line.msisdn).text
    never_sent = market.hop(line.session, f"{INSTANT}*2", line.msisdn).text

    assert "Which day?" in older
    assert "Pay KES 66,700" in never_sent
    assert market.bookings() == []
    assert line.type("1").startswith(BOOKED)
    [booking] = market.bookings()
    assert (booking.people, booking.starts_on.month) == (50, 12)


def test_a_redial_after_a_drop_goes_on_where_it_was(market: Market) -> None:
    at_summary(market)

    again = market.line()
    assert again.dial().splitlines()[1:3] == ["1. Continue", "2. Start over"]
    assert "Pay KES 66,700" in again.type("1")
    assert again.type("1").startswith(BOOKED)

    third = market.line()
    assert HOME in third.dial()


def test_a_redial_offers_what_is_free_when_the_hall_went_in_the_meantime(market: Market) -> None:
    at_summary(market)
    other = market.line(OTHER)
    other.dial(INSTANT)
    assert other.type(*TO_SUMMARY, "1").startswith(BOOKED)

    again = market.line()
    again.dial()
    instead = again.type("1")

    assert instead.startswith("CON ")
    assert "Pay KES" not in instead
    assert "Pay KES" in again.type("1")
    assert again.type("1").startswith("END ")
    one, two = market.bookings()
    assert (one.listing_id, one.starts_on) != (two.listing_id, two.starts_on)


def test_who_starts_over_starts_over(market: Market) -> None:
    at_summary(market)
    again = market.line()
    again.dial()

    assert HOME in again.type("2")


def test_the_first_hop_may_name_a_listing_or_a_booking(market: Market) -> None:
    listing = market.line().dial(INSTANT)
    assert "KES 50,000" in listing
    assert "1. Book now" in listing
    line = at_summary(market)
    line.type("1")
    [booking] = market.bookings()

    mine = market.line().dial(booking.code.lower())
    theirs = market.line(OTHER).dial(booking.code)

    assert "Pay now" in mine
    assert "Pay from this phone" in theirs


def test_the_first_hop_never_means_places_in_a_menu(market: Market) -> None:
    welcome = market.line().dial()
    positions = ("1*2", "1", "98*2", "1*1*25/12*50*1*1*1", "0", "00*1")
    for number, dialled in enumerate(positions, 61):
        line = market.line(phone(number))
        assert line.dial(dialled) == welcome, dialled
        assert "Where?" in line.type("1"), dialled
    # A number that is on no listing's door is not guessed at either.
    assert HOME in market.line().dial("9998")
    assert market.bookings() == []


def test_a_star_in_what_is_typed_never_says_yes(market: Market) -> None:
    line = market.line()
    line.dial()
    line.type("1")
    # A place as typed, or seven answers that a network sent at once: the text does not tell.
    shown = line.type("Nairobi*25/12*50*1*1*1*1")

    # All is played up to the yes, which nobody has been asked for yet.
    assert "Pay KES" in shown
    assert line.again() == shown
    assert market.bookings() == []
    assert line.type("1").startswith("END ")
    assert len(market.bookings()) == 1


def test_a_wrong_choice_says_so_above_the_same_screen(market: Market) -> None:
    line = market.line()
    menu = line.dial().removeprefix("CON ")
    for entry in ("9", "77"):
        shown = line.type(entry)
        assert shown.startswith("CON Choose one of the numbers shown.\n")
        assert shown.endswith(menu)
        assert septets(shown.removeprefix("CON ")) <= SCREEN_SEPTETS
    assert "Where?" in line.type("1")

    line = market.line()
    line.dial()
    line.type("9", "9")
    assert line.type("9").startswith("END Let us help")
    market.work()
    assert len(market.read(line.msisdn)) == 1


def test_forty_phones_at_once_each_get_their_booking(market: Market) -> None:
    first = nairobi_date(market.clock.now()) + timedelta(days=3)

    def call(number: int) -> str:
        line = market.line(phone(60 + number))
        shown = line.dial(INSTANT if number % 2 else ASKED)
        day = first + timedelta(days=number)
        for entry in ("1", f"{day:%d/%m}", str(50 + number), "1"):
            assert shown.startswith("CON "), shown
            shown = line.type(entry)
        assert line.again() == shown
        return shown

    shown = at_once([partial(call, number) for number in range(40)])

    bookings = {booking.people - 50: booking for booking in market.bookings()}
    assert sorted(bookings) == list(range(40))
    for number, goodbye in enumerate(shown):
        booking = bookings[number]
        assert goodbye.startswith("END "), goodbye
        assert booking.code in goodbye
        assert booking.starts_on == first + timedelta(days=number)
        assert booking.state is (State.AWAITING_PAYMENT if number % 2 else State.REQUESTED)
