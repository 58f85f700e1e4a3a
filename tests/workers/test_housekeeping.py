"""What need not be kept goes in time; the facts, and what is still to be done, stay."""

from sqlalchemy import func, select, text, update

from core import inbox, outbox, receipts, talks
from core.catalog.links import ListingLink, new_listing_link
from core.catalog.photos import PhotoLink, new_photo_link
from core.clock import ManualClock, nairobi_date
from core.documents.links import StatementLink, new_link
from core.inbox import Arrival, Inbound
from core.outbox import Notice, Sending
from core.people.usecases import ensure_user
from core.receipts import TurnReceipt
from core.relay.model import RelayLine
from core.relay.usecases import ask_vendor
from core.support.queries import ticket_by_number
from core.support.usecases import close, write
from core.talks import Channel, OpenTalk
from tests.core.admins.staff import Staff
from tests.support.factories import CUSTOMER, STRANGER, VENDOR, make_listing, make_vendor
from tests.support.fakes import notices
from tests.workers import callbacks
from tests.workers.callbacks import arrivals, arrive
from tests.workers.conftest import Crew
from workers.housekeeping import BATCH_MAX, run_housekeeping
from workers.inbox import run_inbox
from workers.notices import run_notices


def test_words_of_messages_go_after_a_month(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        outbox.add(tx, "confirmed", CUSTOMER, {"pin": "1234"})
    run_notices(crew.parts)

    clock.advance(days=29)
    assert run_housekeeping(crew.parts) == 0
    clock.advance(days=2)
    assert run_housekeeping(crew.parts) == 1
    assert run_housekeeping(crew.parts) == 0

    (notice,) = notices(crew.database)
    assert (notice.text, notice.params) == (None, {})
    assert (notice.state, notice.cost_cents) == (Sending.SENT, 80)


def test_a_message_that_is_still_owed_keeps_its_words(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        outbox.add(tx, "confirmed", CUSTOMER, {"pin": "1234"})
    clock.advance(days=60)

    assert run_housekeeping(crew.parts) == 0
    assert notices(crew.database)[0].params == {"pin": "1234"}


def test_bodies_of_applied_callbacks_go_and_repeats_are_still_refused(
    crew: Crew, clock: ManualClock
) -> None:
    arrive(crew.database, callbacks.session_end())
    run_inbox(crew.parts)
    clock.advance(days=91)

    # The call's own row goes as well.
    assert run_housekeeping(crew.parts) == 2

    arrive(crew.database, callbacks.session_end())
    (row,) = arrivals(crew.database)
    assert (row.payload, row.state) == ({}, Arrival.APPLIED)


def test_what_people_wrote_is_forgotten_after_a_month(crew: Crew, clock: ManualClock) -> None:
    arrive(crew.database, callbacks.sms("ask 4507 is it free?"))
    run_inbox(crew.parts)
    with crew.database.transaction() as tx:
        listing = make_listing(tx, make_vendor(tx))
        tx.db.refresh(listing, ["number"])
        ask_vendor(tx, CUSTOMER, listing.number, "is it free?")
        new_listing_link(tx, ensure_user(tx, CUSTOMER).id, listing.id)
        new_photo_link(tx, ensure_user(tx, VENDOR).id, listing.id)
    clock.advance(days=30)
    run_housekeeping(crew.parts)
    with crew.database.transaction() as tx:
        assert [line.words for line in tx.db.query(RelayLine)] == ["is it free?"]
        assert tx.db.query(ListingLink).all() == []
        assert tx.db.query(PhotoLink).all() == []
    clock.advance(seconds=1)

    run_housekeeping(crew.parts)

    with crew.database.transaction() as tx:
        assert tx.db.query(RelayLine).all() == []
    assert {row.kind: row.payload for row in arrivals(crew.database)} == {"sms": {}}


def test_a_dead_callback_keeps_its_body_for_whoever_looks_into_it(
    crew: Crew, clock: ManualClock
) -> None:
    arrive(crew.database, callbacks.sms("1"))
    with crew.database.transaction() as tx:
        tx.db.execute(update(Inbound).values(state=Arrival.DEAD))
    clock.advance(days=91)

    assert run_housekeeping(crew.parts) == 0


def test_turn_receipts_go_after_a_month(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        receipts.begin(tx, "africastalking", "ATUid_1", "digest")
    clock.advance(days=20)
    with crew.database.transaction() as tx:
        receipts.begin(tx, "africastalking", "ATUid_2", "digest")
    clock.advance(days=11)

    assert run_housekeeping(crew.parts) == 1
    with crew.database.transaction() as tx:
        assert tx.db.scalars(select(TurnReceipt.session_id)).all() == ["ATUid_2"]


def test_links_to_statements_go_a_month_after_their_time(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        new_link(tx, make_vendor(tx).id, nairobi_date(tx.now))
    clock.advance(days=31)  # A day until its time is over, and a month.
    assert run_housekeeping(crew.parts) == 0
    clock.advance(seconds=1)

    assert run_housekeeping(crew.parts) == 1
    with crew.database.transaction() as tx:
        assert tx.db.scalars(select(StatementLink)).all() == []


def test_more_than_one_batch_goes_in_one_run(crew: Crew, clock: ManualClock) -> None:
    count = BATCH_MAX + 5
    with crew.database.transaction() as tx:
        inbox.store(tx, callbacks.sms("1"))
        tx.db.execute(
            text(
                "INSERT INTO turn_receipts SELECT 'p', n::text, 'd', '', false, '{}', :now"
                " FROM generate_series(1, :count) AS n"
            ),
            {"now": tx.now, "count": count},
        )
    clock.advance(days=31)

    assert run_housekeeping(crew.parts) == count
    with crew.database.transaction() as tx:
        assert tx.db.scalar(select(func.count()).select_from(TurnReceipt)) == 0
        assert tx.db.scalar(select(func.count()).select_from(Notice)) == 0


def test_conversations_by_message_and_closed_questions_lose_their_words(
    crew: Crew, clock: ManualClock
) -> None:
    with crew.database.transaction() as tx:
        talks.keep(tx, talks.claim(tx, CUSTOMER, Channel.SMS), {"format": 1}, Channel.SMS)
        closed, still = (write(tx, number, "I paid twice") for number in (CUSTOMER, STRANGER))
        close(tx, closed.number)

    assert run_housekeeping(crew.parts) == 0
    clock.advance(days=31)
    assert run_housekeeping(crew.parts) == 2
    assert run_housekeeping(crew.parts) == 0

    with crew.database.transaction() as tx:
        assert tx.db.get_one(OpenTalk, CUSTOMER).state is None
        assert talks.channel_of(tx, CUSTOMER) is Channel.SMS
        said = [ticket_by_number(tx, each.number).notes[0].words for each in (closed, still)]
    assert said == ["", "I paid twice"]


def test_where_admins_were_signed_in_is_forgotten(crew: Crew, clock: ManualClock) -> None:
    staff = Staff.join(crew.database)
    assert staff.signs_in(crew.database) is not None
    clock.advance(days=37)  # A week until it is over, and a month.
    assert run_housekeeping(crew.parts) == 0
    clock.advance(seconds=1)
    assert staff.signs_in(crew.database) is not None

    assert run_housekeeping(crew.parts) == 1
