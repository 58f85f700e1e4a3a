"""Guards of bookings and the calendar."""

from datetime import timedelta
from functools import partial
from typing import Any

from core.booking import timers, usecases
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.moves import lock_booking
from core.booking.price import price_of
from core.catalog import calendar, rules
from core.catalog.rules import BookingMode
from core.errors import BadInput, IllegalMove, NotFound, NoUnits
from core.invariants.run import run_all
from core.lifecycle import Lifecycle
from core.limits import OPEN_BOOKINGS_PER_CUSTOMER_MAX
from core.money import Money
from core.payments import collect
from tests.core.booking.world import World
from tests.guards.guard import (
    Guard,
    Kind,
    by_hand,
    check,
    constraint,
    count,
    outcome,
    sound_after,
    trigger,
    unique,
    words,
)
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER, OTHER_VENDOR, make_vendor

CODE_ASKED = words(
    Kind.UNIQUE, "the code", r" ON CONFLICT \(code\) DO NOTHING", "INSERT INTO bookings"
)


def _first_row_of(self: Lifecycle[Any, Any], state: Any, event: Any) -> Any:
    """Where an event leads from anywhere."""
    del state
    return next(after for each, _, after in self.rows if each is event)


def _unlocked_of_anybody(tx: Any, booking_id: Any, _vendor_id: Any) -> Booking:
    return lock_booking(tx, booking_id)


def _one_code(world: World) -> None:
    one, two = world.book(CUSTOMER, in_days=5), world.book(OTHER_CUSTOMER, in_days=6)

    by_hand(world, f"UPDATE bookings SET code = '{one.code}' WHERE id = '{two.id}'")

    assert world.read(two).code != one.code, "whoever pays for one pays for one"


def _chained(world: World) -> None:
    world.confirmed()
    by_hand(
        world,
        "INSERT INTO booking_events (booking_id, event, state_before, state_after, actor, at)"
        " SELECT id, 'check_in', state, 'checked_in', 'vendor', now() FROM bookings",
    )

    assert "I15" not in {finding.invariant for finding in world.run(run_all)}


def _parts_of_a_price(world: World) -> None:
    booking = world.book()
    by_hand(world, "UPDATE bookings SET total_cents = total_cents + 100")

    price = price_of(world.read(booking))
    assert price.base + price.service_fee + price.vat + price.rounding == price.total


def _declined_after_paying(world: World) -> None:
    booking = world.confirmed()
    result = outcome(lambda: world.decline(booking))

    assert isinstance(result, IllegalMove)
    world.assert_sound()


def _closed_day(world: World) -> None:
    booking = world.book()
    closed = [booking.starts_on]
    world.run(
        lambda tx: calendar.block(tx, booking.listing_id, closed, vendor_id=booking.vendor_id)
    )

    result = outcome(lambda: world.accept(booking))

    assert isinstance(result, NoUnits), "the vendor is away on that day"


def _last_unit(world: World) -> None:
    room = world.another_listing(booking_mode=BookingMode.INSTANT)
    world.book(CUSTOMER, room)

    result = outcome(lambda: world.book(OTHER_CUSTOMER, room))

    assert isinstance(result, NoUnits), "it was the last one"


def _too_many(world: World) -> None:
    for day in range(OPEN_BOOKINGS_PER_CUSTOMER_MAX + 1):
        outcome(partial(world.book, in_days=5 + day))

    assert count(world, "SELECT count(*) FROM bookings") == OPEN_BOOKINGS_PER_CUSTOMER_MAX


def _somebody_elses(world: World) -> None:
    booking = world.book()
    other = world.run(lambda tx: make_vendor(tx, OTHER_VENDOR))

    result = outcome(lambda: world.run(lambda tx: usecases.accept(tx, booking.id, other.id)))

    assert isinstance(result, NotFound)


def _rivals(world: World) -> None:
    winner, loser = world.book(in_days=5), world.book(OTHER_CUSTOMER, in_days=5)
    world.accept(winner)

    assert world.state(loser) is State.DECLINED, "who cannot have it any more is told"


def _tomorrow(world: World) -> None:
    result = outcome(lambda: world.book(in_days=0))

    assert isinstance(result, BadInput), "nobody can prepare a feast of today"


def _paying_now(world: World) -> None:
    booking = world.hold()
    world.clock.set(world.due(booking) - timedelta(seconds=10))
    world.prompt(booking)
    world.clock.set(world.due(booking))
    world.fire()

    assert world.state(booking) is State.AWAITING_PAYMENT, "the prompt is on the phone"


def _room_gone(world: World) -> None:
    late = world.hold(CUSTOMER, in_days=5)
    attempt = world.prompt(late)
    world.clock.advance(hours=13)
    world.fire()
    world.confirmed("SFFOTHER01", OTHER_CUSTOMER, in_days=5)
    assert world.state(late) is State.EXPIRED

    world.paid(attempt)

    world.assert_sound()


def _never_accepted(world: World) -> None:
    booking = world.book()
    world.clock.set(world.due(booking))
    world.fire()
    assert world.state(booking) is State.EXPIRED

    world.paybill(booking.code, Money(booking.total_cents))

    world.assert_sound()


GUARDS = (
    Guard(
        "a day is sold more often than there are units",
        constraint("listing_days", "ck_listing_days_booked"),
        sound_after("UPDATE listing_days SET booked = units + 1"),
    ),
    Guard(
        "more goes back than was paid",
        constraint("bookings", "ck_bookings_refunds"),
        sound_after("UPDATE bookings SET refunds_cents = total_cents + 100"),
    ),
    Guard(
        "a total is not what it is made of",
        constraint("bookings", "ck_bookings_total"),
        _parts_of_a_price,
    ),
    Guard(
        "a booking has no day and holds its units for ever",
        constraint("bookings", "ck_bookings_days"),
        sound_after("UPDATE bookings SET ends_on = starts_on"),
    ),
    Guard(
        "a booking stands where no table leads",
        constraint("bookings", "ck_bookings_state"),
        sound_after("UPDATE bookings SET state = 'sold'"),
    ),
    Guard(
        "two bookings share a code, hence an escrow account",
        unique("bookings", "uq_bookings_code").also(CODE_ASKED),
        _one_code,
    ),
    Guard(
        "who did what is rewritten",
        trigger("booking_events", "append_only"),
        sound_after("UPDATE booking_events SET state_after = 'cancelled'"),
    ),
    Guard(
        "an audit row says what came before it as it likes",
        trigger("booking_events", "chained"),
        _chained,
    ),
    Guard(
        "a paid booking is declined",
        check("the transition table", Lifecycle, "target", _first_row_of),
        _declined_after_paying,
    ),
    Guard(
        "whoever comes too late meets a fault instead of a refusal",
        words(
            Kind.CHECK,
            "a full day takes nothing",
            r" AND listing_days\.units >= listing_days\.booked \+ excluded\.booked",
            "INSERT INTO listing_days",
        ),
        _last_unit,
    ),
    Guard(
        "a day that the vendor has closed is sold",
        words(
            Kind.CHECK,
            "a closed day takes nothing",
            r"listing_days\.blocked IS false AND ",
            "INSERT INTO listing_days",
        ),
        _closed_day,
    ),
    Guard(
        "one phone holds a whole town",
        check("open bookings of a customer", usecases, "_check_open_bookings", lambda *_: None),
        _too_many,
    ),
    Guard(
        "a vendor answers for another",
        check("whose booking it is", usecases, "_of_vendor", _unlocked_of_anybody),
        _somebody_elses,
    ),
    Guard(
        "requests that cannot be met stay open",
        check("rivals are declined", usecases, "_decline_rivals", lambda *_: None),
        _rivals,
    ),
    Guard(
        "a feast is booked for this morning",
        check("the listing's rules", rules, "check_wish", lambda *_: None),
        _tomorrow,
    ),
    Guard(
        "a hold runs out while its customer types the PIN",
        check("an open prompt stretches a hold", timers, "open_collection", lambda *_: None),
        _paying_now,
    ),
    Guard(
        "a late payment confirms a booking whose day is sold",
        check("units are claimed again", collect, "claim_again", lambda *_: True),
        _room_gone,
    ),
    Guard(
        "late money confirms a request that its vendor never accepted",
        check("what it had waited for", collect, "came_from", lambda *_: State.AWAITING_PAYMENT),
        _never_accepted,
    ),
)
