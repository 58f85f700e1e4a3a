"""Other days or people for a booking: what it costs, who is asked, and where the money goes.

A meal for each person: 500 a plate, so that 100 people pay 66,700 and 60 of them 40,020.
"""

from datetime import timedelta

import pytest

from core.booking import cancel
from core.booking.lifecycle import ChangeState, State
from core.booking.model import Booking
from core.booking.offers import choose_policy
from core.errors import NotFound, NoUnits, Refused
from core.limits import INSTANT_HOLD_SECONDS
from core.money import Money, kes
from core.payments.model import Kind
from core.payments.paybill import Fit, judge
from tests.core.booking.kitchen import MORE, finish, plates
from tests.core.booking.world import GOLDEN, World
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER, VENDOR

LEGS = (
    "revenue:service_fee",
    "revenue:commission",
    "tax:vat",
    "tax:withholding",
    "revenue:rounding",
)


def legs(world: World) -> tuple[Money, ...]:
    """The vendor's part, then ours and the taxes."""
    return tuple(world.balance(name) for name in (f"payable:{world.vendor.number}", *LEGS))


def test_a_request_becomes_what_is_wished_and_the_vendor_reads_it_anew(asked: World) -> None:
    booking = asked.book(people=100)

    change = asked.change(booking, kes(80_040), in_days=12, people=120)

    now = asked.read(booking)
    assert (change.state, now.state) == (ChangeState.APPLIED, State.REQUESTED)
    assert (now.people, now.quantity, now.total_cents) == (120, 120, kes(80_040).cents)
    assert now.starts_on == booking.starts_on + timedelta(days=2)
    assert asked.told(VENDOR) == ["request_received", "request_changed"]
    told = asked.notice("request_changed")
    assert (told["was_people"], told["people"], told["net_cents"]) == (100, 120, 4_800_000)
    assert asked.moves(booking)[-1] == ("change", "requested", "requested", "customer")
    asked.accept(booking)
    assert plates(asked, 12) == 120
    asked.assert_sound()


def test_an_unpaid_hold_moves_with_the_wish_and_m_pesa_asks_for_the_new_price(
    kitchen: World,
) -> None:
    booking = kitchen.hold(people=100)

    kitchen.change(booking, kes(40_020), in_days=12, people=60)

    assert (plates(kitchen, 10), plates(kitchen, 12)) == (0, 60)
    assert kitchen.due(booking) == booking.due_at, "nobody holds for longer by changing"
    prompt = kitchen.send_prompt()
    assert prompt.amount_cents == kes(40_020).cents
    assert kitchen.paid(prompt) is None
    assert kitchen.state(booking) is State.CONFIRMED
    kitchen.assert_sound()


def test_what_a_vendor_had_accepted_is_asked_anew(asked: World) -> None:
    booking = asked.hold(people=100)

    asked.change(booking, in_days=12)

    assert asked.state(booking) is State.REQUESTED
    assert plates(asked, 10) == 0, "nothing is claimed before the vendor says yes"
    assert asked.moves(booking)[-1][:3] == ("ask_again", "awaiting_payment", "requested")
    asked.accept(booking)
    assert plates(asked, 12) == 100
    assert asked.paid(asked.prompt(booking)) is None
    asked.assert_sound()


def test_while_m_pesa_asks_for_the_old_price_nothing_is_changed(kitchen: World) -> None:
    booking = kitchen.hold(people=100)
    prompt = kitchen.prompt(booking)

    with pytest.raises(Refused, match="prompt_open"):
        kitchen.change(booking, people=60)

    assert kitchen.paid(prompt) is None
    assert kitchen.state(booking) is State.CONFIRMED


def test_late_money_for_the_old_price_pays_the_new_one_and_the_rest_goes_back(
    kitchen: World,
) -> None:
    booking = kitchen.hold(people=100)
    prompt = kitchen.prompt(booking)
    kitchen.failed(prompt)
    kitchen.change(booking, people=60)

    assert kitchen.paid(prompt) is None

    now = kitchen.read(booking)
    assert (now.state, now.people) == (State.CONFIRMED, 60)
    returns = kitchen.attempts(Kind.RETURN)
    assert [each.amount_cents for each in returns] == [GOLDEN.cents - now.total_cents]
    kitchen.assert_sound()


def test_another_day_at_the_same_price_is_there_at_once(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)

    change = kitchen.change(booking, kes(0), in_days=20)

    now = kitchen.read(booking)
    assert (change.state, now.state) == (ChangeState.APPLIED, State.CONFIRMED)
    assert (plates(kitchen, 10), plates(kitchen, 20)) == (0, 100)
    assert kitchen.due(booking) == now.ends_at + timedelta(hours=24)
    assert kitchen.told(CUSTOMER)[-1] == "changed_customer"
    assert kitchen.told(VENDOR)[-1] == "changed_vendor"
    assert kitchen.notice("changed_vendor")["was_starts_on"] == booking.starts_on.isoformat()
    assert kitchen.moves(booking)[-1] == ("change", "confirmed", "confirmed", "customer")
    assert kitchen.send_due() == [], "no money moves"
    finish(kitchen, booking)
    assert legs(kitchen)[0] == kes(40_000)
    kitchen.assert_sound()


def test_a_vendor_who_is_asked_first_is_asked_about_a_change_too(asked: World) -> None:
    booking = asked.confirmed(people=100)
    assert asked.preview(booking, in_days=20).asks_vendor

    asked.change(booking, in_days=20)

    assert asked.change_of(booking).due_at == asked.clock.now() + timedelta(hours=24)
    assert (plates(asked, 10), plates(asked, 20)) == (100, 0), "the old booking stands until yes"
    assert asked.told(VENDOR)[-1] == "change_asked"
    assert asked.say_yes(booking).state is ChangeState.APPLIED
    assert (plates(asked, 10), plates(asked, 20)) == (0, 100)
    assert asked.moves(booking)[-1] == ("change", "confirmed", "confirmed", "vendor")
    asked.assert_sound()


@pytest.mark.parametrize("how", ["no", "silence", "taken_back"])
def test_without_a_yes_the_booking_stands_as_it_was(asked: World, how: str) -> None:
    booking = asked.confirmed(people=100)
    asked.change(booking, in_days=20, people=150)

    if how == "no":
        asked.say_no(booking)
    elif how == "taken_back":
        asked.keep_as_was(booking)
    else:
        asked.clock.advance(hours=24)
        assert asked.fire_changes() == [ChangeState.EXPIRED]

    now = asked.read(booking)
    assert (now.people, now.starts_on, now.total_cents) == (
        100,
        booking.starts_on,
        GOLDEN.cents,
    )
    heard = asked.notices()
    assert heard["change_off_customer"] == (how != "taken_back")
    assert heard["change_off_vendor"] == (how != "no")
    with pytest.raises(NotFound, match="no_change_asked"):
        asked.say_yes(booking)
    assert asked.fire_changes() == []
    asked.assert_sound()


def test_once_cancelling_costs_more_the_vendor_is_asked_to_move_the_day(kitchen: World) -> None:
    """Else who moves a booking at the last hour and then cancels would lose nothing."""
    booking = kitchen.confirmed(people=100)
    kitchen.clock.set(booking.starts_at - timedelta(hours=48))
    assert not kitchen.preview(booking, in_days=20).asks_vendor
    kitchen.clock.advance(seconds=1)

    change = kitchen.change(booking, in_days=20)

    assert change.state is ChangeState.ASKED
    assert kitchen.read(booking).starts_on == booking.starts_on
    assert kitchen.say_yes(booking).state is ChangeState.APPLIED


def test_the_difference_is_asked_for_and_the_change_made_when_it_is_paid(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    assert kitchen.preview(booking, in_days=12, people=150).to_pay == kes(33_350)

    change = kitchen.change(booking, kes(33_350), in_days=12, people=150)

    assert change.state is ChangeState.AWAITING_PAYMENT
    assert change.due_at == kitchen.clock.now() + timedelta(seconds=INSTANT_HOLD_SECONDS)
    assert (plates(kitchen, 10), plates(kitchen, 12)) == (100, 150), "both are held"
    kitchen.assert_sound()
    prompt = kitchen.send_prompt()
    assert (prompt.msisdn, prompt.amount_cents) == (CUSTOMER, kes(33_350).cents)
    assert kitchen.paid(prompt, MORE) is None

    now = kitchen.read(booking)
    assert (now.people, now.total_cents) == (150, kes(100_050).cents)
    assert (plates(kitchen, 10), plates(kitchen, 12)) == (0, 150)
    assert kitchen.balance(f"escrow:{booking.code}") == kes(100_050)
    assert kitchen.moves(booking)[-1] == ("change", "confirmed", "confirmed", "provider")
    assert kitchen.notice("changed_customer")["to_pay_cents"] == kes(33_350).cents
    kitchen.assert_sound()
    finish(kitchen, booking)
    assert legs(kitchen) == (
        kes(60_000),
        kes(11_250),
        kes(11_250),
        kes(13_800),
        kes(3_750),
        kes(0),
    )
    kitchen.assert_sound()


def test_more_people_on_the_same_day_hold_only_what_they_need_more(kitchen: World) -> None:
    """Of 300 plates 200 are this customer's own: 250 are to be had, 301 are not."""
    booking = kitchen.confirmed(people=200)

    kitchen.change(booking, people=250)
    assert plates(kitchen, 10) == 250
    kitchen.assert_sound()
    kitchen.keep_as_was(booking)
    assert plates(kitchen, 10) == 200

    kitchen.confirmed("SFF6XYQ3EF", OTHER_CUSTOMER, people=80)
    with pytest.raises(NoUnits) as refused:
        kitchen.change(booking, people=250)
    assert refused.value.data["left"] == 20
    kitchen.assert_sound()


def test_a_difference_that_is_not_paid_lets_the_change_go(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.change(booking, in_days=12, people=150)
    prompt = kitchen.send_prompt()
    assert kitchen.failed(prompt) is None
    told = kitchen.notice("payment_failed")
    assert told["amount_cents"] == kes(33_350).cents, "it is about the difference"

    kitchen.clock.advance(seconds=INSTANT_HOLD_SECONDS)
    assert kitchen.fire_changes() == [ChangeState.EXPIRED]

    assert (plates(kitchen, 10), plates(kitchen, 12)) == (100, 0)
    assert kitchen.notice("change_off_customer")["reason"] == "unpaid"
    assert kitchen.notices()["change_off_vendor"] == 0, "who heard of nothing hears of nothing"
    # The money comes after all: it goes back, and the booking stands.
    assert kitchen.paid(prompt, MORE) is None
    assert [each.amount for each in kitchen.send_due()] == [kes(33_350)]
    assert kitchen.read(booking).total_cents == GOLDEN.cents
    kitchen.assert_sound()


def test_a_prompt_under_way_holds_the_change_a_little_longer(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.change(booking, people=150)
    kitchen.clock.advance(seconds=INSTANT_HOLD_SECONDS - 10)
    prompt = kitchen.send_prompt()
    kitchen.clock.advance(seconds=10)

    assert kitchen.fire_changes() == [ChangeState.AWAITING_PAYMENT]

    assert kitchen.paid(prompt, MORE) is None
    assert kitchen.read(booking).people == 150


def test_the_difference_can_be_paid_by_hand(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.change(booking, people=150)
    code = booking.code
    fits = [kitchen.run(lambda tx, due=due: judge(tx, code, due)) for due in (kes(33_350), GOLDEN)]
    assert fits == [Fit.FITS, Fit.WRONG_AMOUNT]

    assert kitchen.paybill(code, kes(33_350), MORE) is None

    assert kitchen.read(booking).people == 150
    kitchen.clock.advance(seconds=5)
    assert kitchen.send_due() == [], "nobody is asked for what has been paid"
    kitchen.assert_sound()


def test_the_difference_is_not_paid_with_odd_cents(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.change(booking, people=150)

    assert kitchen.paybill(booking.code, kes(33_350, 50), MORE) is None

    assert kitchen.read(booking).people == 100
    assert kitchen.balance("suspense:daraja") == kes(33_350, 50)
    kitchen.assert_sound()


def test_after_a_yes_the_difference_waits_as_long_as_a_booking_would(asked: World) -> None:
    booking = asked.confirmed(people=100)
    asked.change(booking, people=150)

    assert asked.say_yes(booking).state is ChangeState.AWAITING_PAYMENT

    assert asked.told(CUSTOMER)[-1] == "change_accepted"
    assert asked.change_of(booking).due_at == asked.clock.now() + timedelta(hours=12)
    assert asked.paid(asked.prompt(booking), MORE) is None
    assert asked.read(booking).people == 150
    asked.assert_sound()


def test_of_a_lower_price_goes_back_what_cancelling_so_much_would_give(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    found = kitchen.preview(booking, people=60)
    assert (found.refund, found.kept) == (kes(21_344), kes(5_336)), "80 % of 26,680"

    kitchen.change(booking, -kes(21_344), people=60)

    now = kitchen.read(booking)
    assert (now.total_cents, now.kept_cents) == (kes(45_356).cents, kes(5_336).cents)
    assert plates(kitchen, 10) == 60
    assert kitchen.balance(f"escrow:{booking.code}") == GOLDEN
    kitchen.assert_sound()
    [sent] = kitchen.send_due()
    assert (sent.msisdn, sent.amount) == (CUSTOMER, kes(21_344))
    assert kitchen.paid(sent.attempt_id, "SFG1REFUND") is None
    assert kitchen.balance(f"escrow:{booking.code}") == kes(45_356)
    kitchen.assert_sound()
    finish(kitchen, booking)
    assert sum(legs(kitchen), start=kes(0)) == kes(45_356)
    assert legs(kitchen)[0] == kes(27_200), "of 60 plates 24,000, of the rest a fifth"
    kitchen.assert_sound()


@pytest.mark.parametrize(("policy", "hours"), [("standard", 47), ("catering", 80)])
def test_fewer_people_and_then_cancelling_gives_what_cancelling_gives(
    kitchen: World, policy: str, hours: int
) -> None:
    """A change is no way around the policy: not in one step, and not in several."""
    kitchen.run(lambda tx: choose_policy(tx, kitchen.listing.number, policy))
    at_once = kitchen.confirmed("SFF6XYQ3EF", OTHER_CUSTOMER, people=100)
    in_steps = kitchen.confirmed(people=100)
    kitchen.clock.set(in_steps.starts_at - timedelta(hours=hours))
    back = kitchen.run(lambda tx: cancel.preview(tx, tx.db.get_one(Booking, at_once.id))).refund

    given = kes(0)
    for people in (60, 25):
        given += kitchen.preview(in_steps, people=people).refund
        if kitchen.change(in_steps, people=people).state is ChangeState.ASKED:
            kitchen.say_yes(in_steps)
    last = kitchen.run(lambda tx: cancel.preview(tx, tx.db.get_one(Booking, in_steps.id))).refund
    kitchen.run(lambda tx: cancel.cancel_by_customer(tx, in_steps.id, in_steps.customer_id))

    assert given + last == back
    kitchen.assert_sound()


def test_a_vendor_who_cancels_gives_all_back_what_was_kept_too(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.change(booking, people=60)

    kitchen.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))

    assert sum((each.amount for each in kitchen.send_due()), start=kes(0)) == GOLDEN
    assert legs(kitchen) == (kes(0),) * 6
    kitchen.assert_sound()


def test_up_and_down_again_the_price_is_that_of_the_people(kitchen: World) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.change(booking, people=60)
    kitchen.change(booking, people=100)
    [*_, prompt] = kitchen.attempts(Kind.COLLECTION)
    assert prompt.amount_cents == kes(26_680).cents, "the same as it would cost anybody"
    kitchen.clock.advance(seconds=5)
    kitchen.send_due()
    assert kitchen.paid(prompt, MORE) is None

    now = kitchen.read(booking)
    assert now.total_cents - now.kept_cents == GOLDEN.cents
    kitchen.assert_sound()
    finish(kitchen, booking)
    kitchen.assert_sound()
