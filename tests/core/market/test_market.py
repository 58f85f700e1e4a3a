"""All that people, providers, workers and time can do, in any order, with the books right.

After each step every invariant is asked, and the books must say what has truly moved.
"""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)

from core.booking import usecases
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.ids import CountedIds
from core.money import kes
from core.vault import Vault
from tests.conftest import START, VAULT_KEY
from tests.core.booking.world import World
from tests.core.market.evidence import Evidence
from tests.core.market.opening import open_market
from tests.core.market.payees import Payees
from tests.core.market.people import People
from tests.core.market.pieces import Pieces
from tests.core.market.workers import Workers
from tests.support.recycling import Recycler
from tests.support.rehearsal import Rehearsal

UNITS = 2
# 500 lives, in parts that the tests' processes share out among them.
PARTS, LIVES, STEPS = 20, 25, 50


class Market(People, Pieces, Payees, Evidence):
    """Everybody together."""

    # What happens most is drawn more often.
    book_and_pay_too = book_and_pay_as_well = People.book_and_pay
    send_out_more = send_out_even_more = Evidence.send_money_out
    work_on_more_attempts = Workers.work_on_attempts
    pay_more = pay_even_more = Pieces.pay_what_is_due
    wish_for_more = Pieces.wish_for_something_else
    answer_more_wishes = Pieces.vendor_answers_a_wish


@pytest.fixture(scope="module")
def market(recycler: Recycler) -> Iterator[type[Market]]:
    clock, ids, vault = ManualClock(START), CountedIds(), Vault([VAULT_KEY])
    with recycler.lend(clock, ids, vault) as lent:
        world = World.open(lent, clock, units=UNITS)
        Market.asking = world.listing
        Market.instant = world.another_listing(
            booking_mode=BookingMode.INSTANT, price_cents=kes(1_333, 33).cents
        )
        Market.grand = world.another_listing(
            booking_mode=BookingMode.INSTANT,
            price_cents=kes(450_000).cents,
            deposit_basis_points=3_000,
            rest_days=1,
        )
        Market.vendor = world.vendor
        provider = open_market(world, Market.instant, Market.grand)
        Market.opening = clock.now(), provider
        Market.rehearsal = Rehearsal(lent.engine.url, clock, ids, vault)
        yield Market
        Market.rehearsal.close()


def play(market: type[Market], chosen: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    run_state_machine_as_test(
        seed(chosen)(market),
        settings=settings(
            max_examples=LIVES,
            phases=phases,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_in_any_order_the_books_stay_right(market: type[Market], part: int) -> None:
    play(market, part)


def test_a_planted_fault_is_found(market: type[Market], monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: what is withdrawn keeps its units."""
    monkeypatch.setattr(usecases, "release_units", lambda *_: None)

    with pytest.raises(AssertionError):
        play(market, 0, [Phase.generate])
