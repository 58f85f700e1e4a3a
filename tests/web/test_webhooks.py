"""Webhooks of further providers: only with secret and hash, kept once, applied by nobody."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from core.db.tx import Database
from core.inbox import Arrival
from core.limits import CALLBACK_BODY_MAX_BYTES
from tests.channels.flutterwave.rig import HASH, charge, transfer
from tests.web.rig import Web, make_settings, running

PATH = "flutterwave/webhook"
PAID = {"event": "charge.completed", "event.type": "MPESA_TRANSACTION", "data": charge()}


@pytest.fixture
def web(database: Database, redis_url: str) -> Iterator[Web]:
    settings = make_settings(
        database,
        redis_url,
        flutterwave_enabled=True,
        flutterwave_secret_hash=SecretStr(HASH),
    )
    with running(database, settings) as made:
        yield made


def post(web: Web, body: Any, hash_: str | None = HASH, **path: str) -> int:
    headers = {} if hash_ is None else {"verif-hash": hash_}
    return web.http.post(web.hook(PATH, **path), json=body, headers=headers).status_code


def test_a_webhook_sent_twice_is_kept_once_and_applied_by_nobody_here(web: Web) -> None:
    assert [post(web, PAID) for _ in range(2)] == [200, 200]

    [kept] = web.inbox()
    assert (kept.provider, kept.kind) == ("flutterwave", "charge")
    assert kept.reference == "4412001 charge.completed successful"
    assert kept.state is Arrival.WAITING
    assert kept.payload["body"]["data"]["app_fee"] == "43.5", "exact, not a float"
    counter = 'nafasi_callbacks_total{kind="charge",provider="flutterwave",result='
    assert web.metric(f'{counter}"stored"}}') == 1
    assert web.metric(f'{counter}"repeated"}}') == 1


def test_each_state_of_one_transfer_is_a_webhook_of_its_own(web: Web) -> None:
    for status in ("PENDING", "FAILED"):
        body = {"event": "transfer.completed", "data": transfer(status=status)}
        assert post(web, body) == 200
    assert [row.kind for row in web.inbox()] == ["transfer", "transfer"]


@pytest.mark.parametrize("hash_", [None, "", "guess", HASH.upper()])
def test_a_forged_webhook_is_refused_and_leaves_a_count(web: Web, hash_: str | None) -> None:
    assert post(web, PAID, hash_) == 401
    assert web.inbox() == []
    counter = 'nafasi_callbacks_total{kind="webhook",provider="flutterwave",result="forged"}'
    assert web.metric(counter) == 1


def test_a_wrong_secret_in_the_address_tells_nothing(web: Web) -> None:
    assert post(web, PAID, secret="guess") == 404
    assert web.http.post(web.hook("flutterwave/another"), json=PAID).status_code == 404
    assert web.inbox() == []


@pytest.mark.parametrize(
    "body", [[], {}, {"event": "charge.completed"}, {"txRef": "1", "status": "successful"}]
)
def test_what_is_no_webhook_is_refused(web: Web, body: Any) -> None:
    assert post(web, body) == 400
    assert web.inbox() == []


def test_a_body_without_end_is_refused(web: Web) -> None:
    assert post(web, {"event": "x" * CALLBACK_BODY_MAX_BYTES}) == 413


def test_a_provider_that_is_not_used_has_no_address(database: Database, redis_url: str) -> None:
    with running(database, make_settings(database, redis_url)) as web:
        assert post(web, PAID) == 404
