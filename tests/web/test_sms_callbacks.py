"""Messages and reports of the further SMS routes, over HTTP."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from channels.twilio.messages import sign
from core.db.tx import Database
from tests.web.rig import SECRET, Web, make_settings, running

TOKEN = "token-of-the-tests"
PUBLIC = "https://nafasi.test"
MESSAGE = {"MessageSid": "SM1", "From": "+254700000001", "To": "+254700000020", "Body": "HELP"}


@pytest.fixture
def web(database: Database, redis_url: str) -> Iterator[Web]:
    over = {
        "sms_routes": "africastalking,twilio,kannel",
        "twilio_auth_token": TOKEN,
        "public_url": PUBLIC,
    }
    with running(database, make_settings(database, redis_url, **over)) as web:
        yield web


def test_messages_and_reports_are_kept_once_and_rubbish_is_not(web: Web) -> None:
    path = web.hook("twilio/sms")
    signed = {"x-twilio-signature": sign(TOKEN, f"{PUBLIC}{path}", MESSAGE)}
    for _ in range(2):
        answer = web.http.post(path, data=MESSAGE, headers=signed)
        assert (answer.status_code, answer.text) == (200, "<Response/>")
        assert answer.headers["content-type"].startswith("text/xml")
    assert web.http.post(path, data=MESSAGE).status_code == 401
    assert web.http.post(path, data=MESSAGE | {"Body": "x"}, headers=signed).status_code == 401
    assert web.http.post(web.hook("twilio/sms", "wrong"), data=MESSAGE).status_code == 404
    assert web.http.post(web.hook("twilio/calls"), data=MESSAGE, headers=signed).status_code == 404

    report = urlencode({"id": "n-1", "status": "1"})
    answer = web.http.get(f"{web.hook('kannel/delivery-reports')}?{report}")
    assert (answer.status_code, answer.text) == (200, "")
    assert web.http.get(web.hook("kannel/delivery-reports")).status_code == 400
    assert web.http.post(web.hook("kannel/sms")).status_code == 405

    kept = [(row.provider, row.kind, row.reference) for row in web.inbox()]
    assert kept == [("twilio", "sms", "SM1"), ("kannel", "delivery_report", "n-1")]


def test_a_route_that_was_not_named_has_no_address(database: Database, redis_url: str) -> None:
    with running(database, make_settings(database, redis_url)) as web:
        for path in ("twilio/sms", "kannel/sms", "hubtel/ussd", "airtel/ussd"):
            assert web.http.post(web.hook(path), data=MESSAGE).status_code == 404
            assert web.http.get(f"/hooks/{path.partition('/')[0]}/{SECRET}/sms").status_code == 404


@pytest.mark.parametrize("text", ["1234", "my M-Pesa PIN is 1234 thanks"])
def test_a_pin_sent_by_mistake_is_never_stored(web: Web, text: str) -> None:
    message = MESSAGE | {"Body": text}
    path = web.hook("twilio/sms")
    signed = {"x-twilio-signature": sign(TOKEN, f"{PUBLIC}{path}", message)}
    assert web.http.post(path, data=message, headers=signed).status_code == 200
    form = {"id": "m-1", "from": "+254700000001", "to": "20384", "text": text}
    assert web.http.post(web.hook("africastalking/sms"), data=form).status_code == 200
    query = urlencode({"id": "k-1", "from": "+254700000001", "to": "20384", "text": text})
    assert web.http.get(f"{web.hook('kannel/sms')}?{query}").status_code == 200

    kept = web.inbox()
    assert len(kept) == 3
    assert all("1234" not in str(row.payload) and "****" in str(row.payload) for row in kept)
