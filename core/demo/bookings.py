"""Plays the demo market's past: every booking, payment and payout through the core's use cases.

What is left behind is what the real system would have left: audit rows, ledger, receipts, timers
of the future. Its messages count as sent long ago.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import or_, select, update

from core.booking import timers
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.notices import Topic
from core.booking.offers import Wish, make_offer
from core.booking.usecases import accept, book, check_in, decline, withdraw
from core.catalog.model import Listing
from core.db.tx import Database, Tx
from core.demo.plan import FIXED_NUMBERS, SEED, phone
from core.demo.reviews import REVIEWED_AFTER, said_of
from core.demo.stories import GUEST_PHONES_FROM, GUESTS, Course, Story, last_run, stories
from core.demo.walk import Teller, Walk
from core.disputes.model import Problem
from core.disputes.usecases import open_dispute
from core.errors import BadInput, NotFound, NoUnits
from core.escrow import ledger
from core.limits import LIST_MAX
from core.outbox import Notice, Sending
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt
from core.payouts.model import Payout
from core.payouts.runs import close_run, open_run, vendors_owed
from core.payouts.usecases import continue_payout, make_payout
from core.people.model import Language
from core.people.usecases import ensure_user
from core.ports.messages import Delivery
from core.ports.money import Reason
from core.reviews.rules import DONE
from core.reviews.usecases import leave_review

Progress = Callable[[int, int], None]

WEEKS = 10
PIN_TYPED = timedelta(seconds=20)
PAYOUT_TAKES = timedelta(seconds=25)
TOLD_LATE = timedelta(minutes=45)
TRIED_AGAIN = timedelta(minutes=3)
SMS_TAKES = timedelta(seconds=4)
PROBLEM_WORDS = "There was no power from noon on and nobody came to help."
PAID_COURSES = frozenset({Course.PAID, Course.PAID_AGAIN, Course.PAID_LATE, Course.DISPUTED})


def seed_bookings(database: Database, progress: Progress = lambda _done, _all: None) -> None:
    """Write the past and coming bookings of the demo market; nothing when there are any bookings.

    The catalog is there already (``core.demo.seed``). All of it is one transaction.

    Args:
        database: its clock says when now is.
        progress: called with stories begun and stories in all.
    """
    with database.transaction() as tx:
        if tx.db.scalar(select(Booking.id).limit(1)) is None:
            _play(tx, progress)


def _play(tx: Tx, progress: Progress) -> None:
    told = sorted(stories(tx.now), key=lambda story: story.created_at)
    walk = Walk(tx)
    teller = Teller(walk, SEED)
    if told:
        walk.at(told[0].created_at, _welcome_guests)
    for position, story in enumerate(told, start=1):
        walk.at(story.created_at, _Play(story, walk, teller).begin)
        walk.at(story.created_at, partial(_report, progress, position, len(told)))
    payouts = _Payouts(walk, teller, failing_at=last_run(tx.now) - timedelta(weeks=1))
    for weeks_ago in range(WEEKS):
        walk.at(last_run(tx.now) - timedelta(weeks=weeks_ago), payouts.run)
    walk.play()
    ledger.roll_up(tx)
    _count_as_sent(tx)


def _report(progress: Progress, begun: int, all_of_them: int, _tx: Tx) -> None:
    progress(begun, all_of_them)


def _welcome_guests(tx: Tx) -> None:
    for position, name in enumerate(GUESTS):
        guest = ensure_user(tx, phone(GUEST_PHONES_FROM + position))
        guest.name = guest.name or name
        guest.language = Language.SW if position % 2 else Language.EN


class _Play:
    """One story on its way; each method is one step."""

    def __init__(self, story: Story, walk: Walk, teller: Teller) -> None:
        self._story = story
        self._walk = walk
        self._teller = teller
        self._tried = False
        self._booking: Booking

    def begin(self, tx: Tx) -> None:
        """Book or ask."""
        story = self._story
        wish = Wish(story.number, story.starts_on, story.ends_on, story.people)
        try:
            self._booking = book(tx, story.customer, wish, make_offer(tx, wish).price.total)
        except (BadInput, NotFound, NoUnits):
            # Somebody has closed the days or taken the listing off since the catalog was made.
            return
        self._follow()
        if self._booking.state is State.AWAITING_PAYMENT:
            self._pay_or_not(tx)
        elif story.course is Course.DECLINED:
            self._walk.at(tx.now + story.answer_after, self._decline)
        elif story.course is Course.WITHDRAWN:
            self._walk.at(tx.now + story.pay_after, self._withdraw)
        elif story.course not in {Course.ASKED, Course.UNANSWERED}:
            self._walk.at(tx.now + story.answer_after, self._accept)

    def _accept(self, tx: Tx) -> None:
        accept(tx, self._booking.id, self._booking.vendor_id)
        self._follow()
        self._pay_or_not(tx)

    def _decline(self, tx: Tx) -> None:
        decline(tx, self._booking.id, self._booking.vendor_id)

    def _withdraw(self, tx: Tx) -> None:
        withdraw(tx, self._booking.id, self._booking.customer_id)

    def _pay_or_not(self, tx: Tx) -> None:
        if self._story.course is Course.WITHDRAWN:
            self._walk.at(tx.now + self._story.pay_after, self._withdraw)
        elif self._story.course in PAID_COURSES:
            self._walk.at(tx.now + self._story.pay_after, self._prompt)

    def _prompt(self, tx: Tx) -> None:
        attempt = start_collection(tx, self._booking.id, self._story.customer)
        late = self._story.course is Course.PAID_LATE
        if self._story.course is Course.PAID_AGAIN and not self._tried:
            self._tried = True
            self._teller.handle(attempt, PIN_TYPED, self._failed, Reason.INSUFFICIENT)
        else:
            self._teller.handle(attempt, TOLD_LATE if late else PIN_TYPED, self._paid)

    def _failed(self, tx: Tx) -> None:
        self._walk.at(tx.now + TRIED_AGAIN, self._prompt)

    def _paid(self, _tx: Tx) -> None:
        self._follow()
        if self._story.arrive_after is not None:
            self._walk.at(self._booking.starts_at + self._story.arrive_after, self._check_in)
        if self._story.completed_at is not None:
            self._walk.at(self._story.completed_at, self._complete)
        if self._story.reported_at is not None:
            self._walk.at(self._story.reported_at, self._report)

    def _check_in(self, tx: Tx) -> None:
        pin = tx.vault.open(self._booking.check_in_pin_sealed)
        check_in(tx, self._booking.id, self._booking.vendor_id, pin)

    def _complete(self, tx: Tx) -> None:
        timers.complete_by_customer(tx, self._booking.id, self._booking.customer_id)
        self._follow()
        self._walk.at(tx.now + REVIEWED_AFTER, self._review)

    def _review(self, tx: Tx) -> None:
        said = said_of(self._story)
        if said is not None and self._booking.state in DONE:
            leave_review(tx, self._booking.id, self._booking.customer_id, *said)

    def _report(self, tx: Tx) -> None:
        customer = self._booking.customer_id
        open_dispute(tx, self._booking.id, customer, Problem.NOT_AS_OFFERED, PROBLEM_WORDS)

    def _follow(self) -> None:
        """Plan the booking's timer as it is now."""
        if self._booking.due_at is not None:
            self._walk.at(self._booking.due_at, self._time_out)

    def _time_out(self, tx: Tx) -> None:
        """Let the timer fire, unless something came before it."""
        if self._booking.due_at is not None and self._booking.due_at <= tx.now:
            timers.fire(tx, self._booking.id)
            if self._booking.completed_at == tx.now:
                self._walk.at(tx.now + REVIEWED_AFTER, self._review)
            self._follow()


class _Payouts:
    """The weekly runs; one payout of one of them fails and is made good by the next run.

    Args:
        walk, teller: as they are.
        failing_at: the run in which it happens.
    """

    def __init__(self, walk: Walk, teller: Teller, failing_at: datetime) -> None:
        self._walk = walk
        self._teller = teller
        self._failing_at = failing_at
        self._failing: UUID | None = None

    def run(self, tx: Tx) -> None:
        """Make a week's payouts and send them."""
        week = open_run(tx)
        if week is None:
            return
        made: list[Payout] = []
        after: UUID | None = None
        while vendors := vendors_owed(tx, after, LIST_MAX):
            payouts = (make_payout(tx, vendor_id) for vendor_id in vendors)
            made += [payout for payout in payouts if payout is not None]
            after = vendors[-1]
        close_run(tx, week)
        if tx.now == self._failing_at:
            self._failing = self._choose(tx, made)
        for payout in made:
            self._send(tx, payout)

    def _choose(self, tx: Tx, made: list[Payout]) -> UUID | None:
        """Return a payout of a vendor who is not printed, the smallest one."""
        printed = set(
            tx.db.scalars(select(Listing.vendor_id).where(Listing.number.in_(FIXED_NUMBERS)))
        )
        others = [payout for payout in made if payout.vendor_id not in printed]
        return min(others, key=lambda payout: payout.amount_cents).id if others else None

    def _send(self, tx: Tx, payout: Payout) -> None:
        planned = select(Attempt).where(
            Attempt.payout_id == payout.id, Attempt.state == AttemptState.QUEUED
        )
        self._teller.handle(
            tx.db.scalars(planned).one(),
            PAYOUT_TAKES,
            partial(self._go_on, payout),
            Reason.LIMIT if payout.id == self._failing else None,
        )

    def _go_on(self, payout: Payout, _tx: Tx) -> None:
        """Plan the next part or try."""
        if payout.due_at is not None:
            self._walk.at(payout.due_at, partial(self._continue, payout))

    def _continue(self, payout: Payout, tx: Tx) -> None:
        continue_payout(tx, payout.id)
        self._send(tx, payout)


def _count_as_sent(tx: Tx) -> None:
    """Nobody wants the messages of the past now. There were no bookings: all these are ours."""
    of_payouts = Notice.topic.in_([Topic.PAYOUT_SENT.value, Topic.PAYOUT_FAILED.value])
    tx.db.execute(
        update(Notice)
        .where(
            Notice.state == Sending.WAITING,
            or_(Notice.booking_id.is_not(None), of_payouts),
        )
        .values(
            state=Sending.SENT,
            delivery=Delivery.DELIVERED,
            tries=1,
            sent_at=Notice.created_at + SMS_TAKES,
        )
        .execution_options(synchronize_session=False)
    )
