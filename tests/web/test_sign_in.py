"""Admins sign in, go on and are put out; whoever holds no token of ours is nobody."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest

from core.admins.usecases import disable
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import (
    ADMIN_ACCESS_SECONDS,
    ADMIN_LOCK_SECONDS,
    ADMIN_REFRESH_LEEWAY_SECONDS,
    ADMIN_TRIES_MAX,
)
from sessions.sealing import derived
from tests.core.admins.staff import EMAIL, Staff
from tests.web.office import Office, data, refused
from tests.web.rig import Web, make_settings, running
from web.api import sign_in as sign_ins

WRONG = (401, "wrong_sign_in")
STRANGER = (401, "not_signed_in")


def test_signing_in_opens_the_desk_and_signing_out_closes_it(web: Web) -> None:
    office = Office(web, Staff.join(web.parts.database))
    assert refused(office.get("/admin/tickets")) == STRANGER
    tokens = data(office.post("/auth/sign-in", office.staff.words()))
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", ADMIN_ACCESS_SECONDS)
    office.access = tokens["access_token"]

    assert data(office.get("/admin/tickets")) == {"tickets": [], "next": None}

    held = {"refresh_token": tokens["refresh_token"]}
    assert data(office.post("/auth/sign-out", held)) is None
    assert refused(office.get("/admin/tickets")) == STRANGER
    assert refused(office.post("/auth/refresh", held)) == STRANGER
    assert data(office.post("/auth/sign-out", held)) is None


def test_whatever_is_wrong_has_one_answer_and_a_code_counts_once(
    web: Web, clock: ManualClock
) -> None:
    staff = Staff.join(web.parts.database)
    office = Office(web, staff)
    answers = [
        office.post("/auth/sign-in", staff.words(**wrong))
        for wrong in (
            {"password": "seven halls in Nairobi"},
            {"code": "000000"},
            {"email": "otieno@nafasi.example"},
            {"email": "rubbish\x00"},
        )
    ]
    assert [refused(answer) for answer in answers] == [WRONG] * 4
    assert len({answer.json()["error"]["message"] for answer in answers}) == 1
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer realm="nafasi"'}

    office.sign_in()
    assert refused(office.post("/auth/sign-in", staff.words())) == WRONG
    clock.advance(seconds=30)
    office.sign_in()


def test_wrong_tries_lock_the_account_and_nobody_is_told_so(web: Web, clock: ManualClock) -> None:
    staff = Staff.join(web.parts.database)
    office = Office(web, staff)
    for _ in range(ADMIN_TRIES_MAX):
        assert refused(office.post("/auth/sign-in", staff.words(password="x"))) == WRONG

    locked = office.post("/auth/sign-in", staff.words())
    unknown = office.post("/auth/sign-in", staff.words(email="otieno@nafasi.example"))

    assert refused(locked) == refused(unknown) == WRONG
    assert locked.json() == unknown.json()
    clock.advance(seconds=ADMIN_LOCK_SECONDS - 1)
    assert refused(office.post("/auth/sign-in", staff.words())) == WRONG
    clock.advance(seconds=1)
    office.sign_in()


def test_who_tries_all_day_long_is_told_to_wait(
    database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_ins, "SIGN_INS_PER_EMAIL", "2/minute")
    monkeypatch.setattr(sign_ins, "SIGN_INS", "5/minute")
    with running(database, make_settings(database, redis_url)) as web:
        office = Office(web, Staff.join(database))
        for email in (EMAIL, f" {EMAIL.upper()}"):
            words = office.staff.words(email=email, code="000000")
            assert refused(office.post("/auth/sign-in", words)) == WRONG
        third = office.post("/auth/sign-in", office.staff.words())
        assert (refused(third), third.headers["retry-after"]) == (
            (429, "too_many_requests"), "60",
        )  # fmt: skip

        others = [
            refused(office.post("/auth/sign-in", office.staff.words(email=f"a{n}@b.example")))
            for n in range(3)
        ]
    assert others == [WRONG, WRONG, (429, "too_many_requests")]


def test_a_token_is_refreshed_and_an_old_one_ends_the_session(
    web: Web, clock: ManualClock
) -> None:
    office = Office.open(web)
    first = office.refresh_token
    clock.advance(seconds=ADMIN_ACCESS_SECONDS)
    late = office.get("/admin/tickets")
    assert refused(late) == (401, "token_expired")
    assert late.headers["www-authenticate"] == 'Bearer realm="nafasi", error="invalid_token"'

    office.hold(office.refresh())
    data(office.get("/admin/tickets"))
    clock.advance(seconds=ADMIN_REFRESH_LEEWAY_SECONDS)

    assert refused(office.refresh(first)) == STRANGER
    assert refused(office.get("/admin/tickets")) == STRANGER
    assert refused(office.refresh()) == STRANGER


def test_two_tabs_that_refresh_at_once_go_on_and_a_thief_is_found_out(
    web: Web, clock: ManualClock
) -> None:
    office = Office.open(web)
    with ThreadPoolExecutor(2) as pool:
        answers = [each.result() for each in [pool.submit(office.refresh) for _ in range(2)]]
    one, other = (data(answer) for answer in answers)
    assert one["refresh_token"] == other["refresh_token"] != office.refresh_token
    for tab in (one, other):
        office.access = tab["access_token"]
        data(office.get("/admin/tickets"))

    # Whichever tab is next, both may be late by a moment, and nobody by more.
    clock.advance(seconds=ADMIN_ACCESS_SECONDS)
    office.hold(office.refresh(one["refresh_token"]))
    clock.advance(seconds=ADMIN_REFRESH_LEEWAY_SECONDS - 1)
    assert data(office.refresh(other["refresh_token"]))["refresh_token"] == office.refresh_token
    clock.advance(seconds=1)
    assert refused(office.refresh(other["refresh_token"])) == STRANGER
    assert refused(office.get("/admin/tickets")) == STRANGER
    assert refused(office.refresh()) == STRANGER


def test_who_is_disabled_is_out_at_once(web: Web) -> None:
    office = Office.open(web)
    data(office.get("/admin/cases"))

    web.parts.database.run(lambda tx: disable(tx, EMAIL))

    assert refused(office.get("/admin/cases")) == STRANGER
    assert refused(office.refresh()) == STRANGER
    assert refused(
        office.post("/auth/sign-in", office.staff.words(code=office.staff.code(1)))
    ) == (WRONG)


def _unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    )
    return f"{head}.{body}."


def test_a_token_that_is_not_ours_opens_nothing(web: Web, clock: ManualClock) -> None:
    office = Office.open(web)
    secret = web.parts.settings.secret_key.get_secret_value()
    key = derived(secret, b"admin-access", 32)
    claims = jwt.decode(office.access, options={"verify_signature": False})

    def signed(by: bytes = key, algorithm: str = "HS256", **other: Any) -> str:
        told = {name: value for name, value in (claims | other).items() if value is not None}
        return jwt.encode(told, by, algorithm)

    office.access = signed()
    data(office.get("/admin/tickets"))
    later = int((clock.now() + timedelta(days=1)).timestamp())
    forged: list[Callable[[], str]] = [
        lambda: signed(derived("another", b"admin-access", 32)),
        lambda: signed(derived(secret, b"ussd-digests", 32)),
        lambda: signed(key + key, "HS512"),
        lambda: _unsigned(claims),
        lambda: signed(exp=None),
        lambda: signed(sid=None),
        lambda: signed(aud="nafasi-vendor"),
        lambda: signed(iss="somebody"),
        lambda: signed(sid=claims["sub"], exp=later),
        lambda: ".".join((*signed().split(".")[:2], "")),
        lambda: "rubbish",
        lambda: office.refresh_token,
    ]
    for forge in forged:
        office.access = forge()
        answer = office.get("/admin/tickets")
        assert refused(answer) == STRANGER, office.access
    office.access = signed(exp=int(clock.now().timestamp()))
    assert refused(office.get("/admin/tickets")) == (401, "token_expired")
    assert refused(
        web.http.get("/api/v1/admin/tickets", headers={"authorization": "Basic YTpi"})
    ) == STRANGER  # fmt: skip


def test_time_is_told_by_our_own_clock(web: Web, clock: ManualClock) -> None:
    office = Office.open(web)

    clock.advance(seconds=ADMIN_ACCESS_SECONDS - 1)
    data(office.get("/admin/tickets"))
    clock.advance(seconds=1)

    assert refused(office.get("/admin/tickets")) == (401, "token_expired")
