"""Who is let in, for how long, and who is let in no more."""

from datetime import timedelta

import pytest

from core.admins import usecases
from core.admins.model import Admin, AdminSession
from core.admins.queries import caller_of
from core.admins.usecases import add_admin, disable, refresh, reset, sign_out
from core.clock import ManualClock
from core.db.tx import Database
from core.errors import BadInput, NotFound, Refused
from core.hashing import is_hashed
from core.limits import (
    ADMIN_REFRESH_LEEWAY_SECONDS,
    ADMIN_REFRESH_SECONDS,
    ADMIN_SESSION_SECONDS,
    ADMIN_TRIES_MAX,
)
from tests.core.admins.staff import EMAIL, PASSWORD, Staff, app_with


@pytest.fixture
def staff(database: Database) -> Staff:
    return Staff.join(database)


def test_nothing_that_is_kept_can_be_read(database: Database, staff: Staff) -> None:
    signed = staff.signs_in(database)

    with database.transaction() as tx:
        admin = tx.db.query(Admin).one()
        session = tx.db.query(AdminSession).one()
    assert signed is not None
    assert admin.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert staff.codes.key.encode() not in admin.totp_sealed
    assert signed.refresh_token.partition(".")[2].encode() not in session.refresh_digest


def test_an_address_has_one_account_however_it_is_typed(database: Database, staff: Staff) -> None:
    with pytest.raises(Refused, match="email_taken"):
        database.run(lambda tx: add_admin(tx, "WANJIKU@nafasi.example", PASSWORD))
    with pytest.raises(BadInput, match="password_short"):
        database.run(lambda tx: add_admin(tx, "otieno@nafasi.example", "short"))
    assert staff.signs_in(database, email=" Wanjiku@Nafasi.example") is not None


def test_whatever_is_wrong_costs_one_hash_and_lets_nobody_in(
    database: Database, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes: list[str] = []

    def counted(kept: str, secret: str) -> bool:
        hashes.append(secret)
        return is_hashed(kept, secret)

    monkeypatch.setattr(usecases, "is_hashed", counted)
    wrongs = (
        {"password": "seven halls in Nairobi"},
        {"password": ""},
        {"code": "000000"},
        {"code": ""},
        {"email": "otieno@nafasi.example"},
        {"email": "no address \x00"},
    )
    for tries, wrong in enumerate(wrongs, 1):
        assert staff.signs_in(database, **wrong) is None, wrong
        assert len(hashes) == tries, "nobody tells by the time what was wrong"

    assert staff.signs_in(database) is not None


def test_a_right_try_forgets_the_wrong_ones(
    database: Database, staff: Staff, clock: ManualClock
) -> None:
    for _ in range(2):
        for _ in range(ADMIN_TRIES_MAX - 1):
            staff.signs_in(database, code="000000")
        assert staff.signs_in(database) is not None
        clock.advance(seconds=30)


def test_a_code_counts_once_and_an_older_one_no_more(
    database: Database, staff: Staff, clock: ManualClock
) -> None:
    assert staff.signs_in(database) is not None
    assert staff.signs_in(database) is None
    assert staff.signs_in(database, code=staff.code(-1)) is None
    assert staff.signs_in(database, code=staff.code(1)) is not None
    clock.advance(seconds=30)
    assert staff.signs_in(database) is None
    clock.advance(seconds=30)
    assert staff.signs_in(database) is not None


def test_a_refresh_token_that_was_used_ends_the_session(
    database: Database, staff: Staff, clock: ManualClock
) -> None:
    first = staff.signs_in(database)
    assert first is not None
    clock.advance(hours=1)
    second = database.run(lambda tx: refresh(tx, first.refresh_token))
    assert second is not None
    assert second.session_id == first.session_id
    assert database.run(lambda tx: caller_of(tx, first.session_id)) is not None
    clock.advance(seconds=ADMIN_REFRESH_LEEWAY_SECONDS)

    assert database.run(lambda tx: refresh(tx, first.refresh_token)) is None

    assert database.run(lambda tx: refresh(tx, second.refresh_token)) is None
    assert database.run(lambda tx: caller_of(tx, first.session_id)) is None


def test_just_after_a_refresh_its_token_leads_to_the_same_next_one(
    database: Database, staff: Staff, clock: ManualClock
) -> None:
    first = staff.signs_in(database)
    assert first is not None

    def go_on(token: str) -> str | None:
        found = database.run(lambda tx: refresh(tx, token))
        return None if found is None else found.refresh_token

    second = go_on(first.refresh_token)
    clock.advance(seconds=ADMIN_REFRESH_LEEWAY_SECONDS - 1)
    assert go_on(first.refresh_token) == second != first.refresh_token
    with database.transaction() as tx:
        kept = tx.db.query(AdminSession).one()
    # Asking again makes nothing last longer.
    assert kept.refreshed_at == clock.now() - timedelta(seconds=ADMIN_REFRESH_LEEWAY_SECONDS - 1)

    assert second is not None
    third = go_on(second)
    assert third is not None
    assert go_on(first.refresh_token) is None, "the last but one is nobody's by mistake"
    assert go_on(third) is None


def test_a_session_ends_after_a_week_unused_and_after_a_month(
    database: Database, staff: Staff, clock: ManualClock
) -> None:
    idle, kept = staff.signs_in(database), staff.signs_in(database, code=staff.code(1))
    assert idle is not None
    assert kept is not None
    begun = clock.now()
    for _ in range(ADMIN_SESSION_SECONDS // ADMIN_REFRESH_SECONDS):
        clock.advance(seconds=ADMIN_REFRESH_SECONDS - 1)
        token = kept.refresh_token
        kept = database.run(lambda tx, token=token: refresh(tx, token))
        assert kept is not None

    token, session_id = kept.refresh_token, kept.session_id
    assert database.run(lambda tx: refresh(tx, idle.refresh_token)) is None
    assert database.run(lambda tx: caller_of(tx, session_id)) is not None
    clock.set(begun + timedelta(seconds=ADMIN_SESSION_SECONDS))
    assert database.run(lambda tx: refresh(tx, token)) is None
    assert database.run(lambda tx: caller_of(tx, session_id)) is None


def test_disabling_and_resetting_end_every_session(
    database: Database, staff: Staff, clock: ManualClock
) -> None:
    for end in (
        lambda: database.run(lambda tx: disable(tx, EMAIL)),
        lambda: database.run(lambda tx: reset(tx, EMAIL, PASSWORD)),
    ):
        signed = staff.signs_in(database)
        assert signed is not None

        address = end()

        assert database.run(lambda tx, s=signed: caller_of(tx, s.session_id)) is None
        assert database.run(lambda tx, s=signed: refresh(tx, s.refresh_token)) is None
        clock.advance(seconds=30)
        assert staff.signs_in(database) is None
        # New codes let in, also somebody who was disabled.
        address = address or database.run(lambda tx: reset(tx, EMAIL, PASSWORD))
        staff.codes = app_with(address)
        assert staff.signs_in(database) is not None
        clock.advance(seconds=30)


def test_who_signs_out_is_out_and_rubbish_signs_nobody_out(
    database: Database, staff: Staff
) -> None:
    signed = staff.signs_in(database)
    assert signed is not None
    for token in ("", ".", "rubbish", f"{signed.admin_id.hex}.x", "\x00"):
        database.run(lambda tx, token=token: sign_out(tx, token))
        assert database.run(lambda tx, token=token: refresh(tx, token)) is None
    assert database.run(lambda tx: caller_of(tx, signed.session_id)) is not None

    database.run(lambda tx: sign_out(tx, signed.refresh_token))

    assert database.run(lambda tx: caller_of(tx, signed.session_id)) is None


def test_nobody_is_disabled_by_mistake(database: Database) -> None:
    for email in ("otieno@nafasi.example", "rubbish"):
        with pytest.raises(NotFound, match="no_admin"):
            database.run(lambda tx, email=email: disable(tx, email))
