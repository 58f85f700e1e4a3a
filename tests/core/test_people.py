"""People: found by phone, made once, written to in their language unless they said stop."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import questions
from core.clock import ManualClock
from core.db.tx import Database
from core.errors import BadInput
from core.ids import CODE_ALPHABET, CODE_LENGTH, SystemIds
from core.limits import OPT_OUT_WORDS_MAX
from core.local_clock import add_ahead, read_ahead
from core.msisdn import is_kenyan_mobile, local_form, mask, parse_msisdn
from core.people.model import Language, Purpose, User, VendorStatus
from core.people.queries import user_id
from core.people.usecases import (
    Person,
    Said,
    ensure_user,
    find_person,
    language_of,
    may_write,
    opt_in,
    opt_out,
    opt_out_words,
    set_language,
)
from tests.core.escrow.tools import together
from tests.support.factories import make_vendor

PHONE = "+254700000001"


@pytest.mark.parametrize(
    "written",
    ["0700000001", "254700000001", "+254700000001", " +254 700 000 001 ", "0700-000-001"],
)
def test_a_number_is_understood_as_people_write_it(written: str) -> None:
    assert parse_msisdn(written) == PHONE


@pytest.mark.parametrize("written", ["", "hello", "12", "+", "0" * 40, "+999123", "🏠"])
def test_what_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(BadInput, match="bad_phone"):
        parse_msisdn(written)


def test_a_number_abroad_keeps_its_country() -> None:
    assert parse_msisdn("+256700000001") == "+256700000001"
    assert not is_kenyan_mobile("+256700000001")
    assert is_kenyan_mobile(PHONE)
    assert local_form(PHONE) == "0700000001"
    assert local_form("+256700000001") == "+256700000001"


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))
def test_a_masked_number_cannot_be_called(msisdn: str) -> None:
    hidden = mask(msisdn)
    assert hidden != msisdn
    assert sum(a.isdigit() for a in hidden) <= 7
    assert mask("12345678") == "****"


def test_codes_hold_no_letter_that_is_taken_for_another() -> None:
    ids = SystemIds()
    codes = [ids.code() for _ in range(2_000)]

    assert not set("".join(codes)) & set("0O1ILU")
    assert set("".join(codes)) <= set(CODE_ALPHABET)
    assert {len(code) for code in codes} == {CODE_LENGTH}
    assert not any(code.isdigit() or code.isalpha() for code in codes)


def test_eight_first_calls_of_one_number_are_one_person(database: Database) -> None:
    found = together(8, lambda _: database.run(lambda tx: ensure_user(tx, PHONE)).id)

    assert len(set(found)) == 1
    count = select(func.count()).select_from(User)
    assert database.run(lambda tx: tx.db.scalar(count)) == 1
    assert database.run(lambda tx: user_id(tx, PHONE)) == found[0]


def test_looking_somebody_up_does_not_make_them(database: Database) -> None:
    assert database.run(lambda tx: find_person(tx, PHONE)) == Person(PHONE)
    assert database.run(lambda tx: user_id(tx, PHONE)) is None
    assert database.run(lambda tx: language_of(tx, PHONE)) is Language.EN


def test_a_language_is_remembered(database: Database) -> None:
    database.run(lambda tx: set_language(tx, PHONE, Language.SW))
    assert database.run(lambda tx: find_person(tx, PHONE)).language is Language.SW
    assert database.run(lambda tx: language_of(tx, PHONE)) is Language.SW


def test_only_an_active_vendor_is_spoken_to_as_one(database: Database) -> None:
    vendor = database.run(lambda tx: make_vendor(tx, PHONE))
    assert database.run(lambda tx: find_person(tx, PHONE)).vendor_id == vendor.id

    database.run(lambda tx: setattr(tx.db.merge(vendor), "status", VendorStatus.RESTRICTED))
    assert database.run(lambda tx: find_person(tx, PHONE)) == Person(PHONE, id=vendor.user_id)


def test_stop_is_by_purpose_and_start_undoes_it(database: Database) -> None:
    for _ in range(2):
        database.run(lambda tx: opt_out(tx, PHONE, Purpose.OFFERS, Said("sms")))
    assert not database.run(lambda tx: may_write(tx, PHONE, Purpose.OFFERS))
    assert database.run(lambda tx: may_write(tx, PHONE, Purpose.BOOKINGS))

    database.run(lambda tx: opt_in(tx, PHONE, Said("sms")))
    assert database.run(lambda tx: may_write(tx, PHONE, Purpose.OFFERS))


def test_what_was_said_about_being_written_to_is_kept_as_it_was_said(
    database: Database, clock: ManualClock
) -> None:
    """When, in which message, in which words; an essay is not kept."""
    began = clock.now()
    said = [Said("sms", "africastalking in-1", "STOP"), Said("provider", "africastalking", "")]
    for each in said:
        database.run(lambda tx, s=each: opt_out(tx, PHONE, Purpose.OFFERS, s))
        clock.advance(hours=1)
    essay = Said("sms", "africastalking in-2", "START " * 100)
    database.run(lambda tx: opt_in(tx, PHONE, essay, [Purpose.OFFERS]))

    newest, *older = database.run(lambda tx: opt_out_words(tx, PHONE))
    assert (newest.wanted, newest.reference) == (True, essay.reference)
    assert newest.words == essay.words[:OPT_OUT_WORDS_MAX]
    assert [(w.via, w.reference, w.words, w.wanted) for w in reversed(older)] == [
        (each.via, each.reference, each.words, False) for each in said
    ]
    assert older[-1].at == began
    assert database.run(lambda tx: opt_out_words(tx, "+254700000002")) == []


def test_a_bare_number_answers_the_last_question_while_it_is_fresh(
    database: Database, clock: ManualClock
) -> None:
    database.run(lambda tx: questions.ask(tx, PHONE, "accept", ["K7P4Q", "M3N8R"]))
    database.run(lambda tx: questions.ask(tx, PHONE, "decline", ["Z9Y8X"]))
    clock.advance(seconds=questions.QUESTION_SECONDS - 1)

    asked = database.run(lambda tx: questions.open_question(tx, PHONE))
    assert asked is not None
    assert (asked.about, asked.offered) == ("decline", ["Z9Y8X"])

    clock.advance(seconds=1)
    assert database.run(lambda tx: questions.open_question(tx, PHONE)) is None
    database.run(lambda tx: questions.ask(tx, PHONE, "accept", ["K7P4Q"]))
    database.run(lambda tx: questions.settled(tx, PHONE))
    assert database.run(lambda tx: questions.open_question(tx, PHONE)) is None


def test_the_trials_time_only_goes_forward_and_adds_up(database: Database) -> None:
    assert database.run(lambda tx: read_ahead(tx.db)) == timedelta()
    for _ in range(2):
        database.run(lambda tx: add_ahead(tx.db, timedelta(hours=25)))
    assert database.run(lambda tx: read_ahead(tx.db)) == timedelta(hours=50)
    with pytest.raises(AssertionError, match="backwards"):
        database.run(lambda tx: add_ahead(tx.db, timedelta(seconds=-1)))
