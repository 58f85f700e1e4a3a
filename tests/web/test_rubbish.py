"""Rubbish on every operator's wire: refused, or answered by a last screen, and never kept."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from channels.simulator.journal import Callback
from tests.web.operators import CONFIG, Network, On

STRANGER = "+254700000009"
# A field that is not needed to know who calls, where and with what.
OPTIONAL = {
    "africastalking": {"networkCode", "serviceCode"},
    "safaricom": set(),
    "hubtel": {"Operator", "ServiceCode", "ClientState", "Sequence"},
    "airtel": {"MSC"},
}
HUGE = "9" * 60_000


def without(call: Callback, name: str) -> Callback:
    return replace(call, body={key: value for key, value in call.body.items() if key != name})


def having(call: Callback, name: str, value: object) -> Callback:
    return replace(call, body={**call.body, name: value})


async def first_hop(network: Network) -> Callback:
    """A hop that would be answered."""
    phone = network.phone()
    await phone.dial()
    await network.redis.flushdb()
    return network.operator.hop(CONFIG, phone.told())


async def assert_nothing_kept(network: Network) -> None:
    kept = [key for key in await network.redis.keys("ussd:*") if key != "ussd:epoch"]
    assert kept == []
    assert network.desk.rows("sample_bookings") == []


def spoilt(call: Callback) -> Iterator[tuple[str, Callback]]:
    """The call with each field left out, and with what no field can be."""
    for name in call.body:
        yield f"no {name}", without(call, name)
        for what, value in (("huge", HUGE), ("nul", "1\x002"), ("empty", "")):
            yield f"{what} {name}", having(call, name, value)
        if call.encoding == "json":
            for value in (None, [], {"a": 1}, True, 1.5):
                yield f"{value!r} {name}", having(call, name, value)


def test_a_spoilt_field_is_refused_or_does_not_matter(on: On) -> None:
    async def story(network: Network) -> None:
        call = await first_hop(network)
        for what, sent in spoilt(call):
            answer = await network.send(sent)
            name = what.rpartition(" ")[2]
            if answer.status_code == 200:
                screen = network.shown(answer)
                harmless = name in OPTIONAL[network.operator.name] or not what.startswith("no ")
                assert harmless, f"{what}: {screen}"
                await network.redis.flushdb()
            else:
                assert answer.status_code in {400, 413}, what
                assert len(answer.content) < 100, "nobody is told more than that"
            await assert_nothing_kept(network)

    on(story)


BODIES = [b"", b"\xff\xfe\x00", b"null", b"[]", b'"text"', b"{" * 500, b"a=1&a=2", b"&" * 9_000]


def test_bodies_that_say_nothing_are_refused(on: On) -> None:
    async def story(network: Network) -> None:
        call = await first_hop(network)
        for body in BODIES:
            if call.encoding == "query":
                url = f"{call.url}?{quote(body, safe='=&')}"
                answer = await network.send(call, url=url)
            else:
                answer = await network.send(call, content=body)
            assert answer.status_code in {400, 413}, body[:20]
        await assert_nothing_kept(network)

    on(story)


@pytest.mark.parametrize("number", ["", "7", "somebody", "+1", "0" * 40, "+254 700 000 001x"])
def test_who_is_no_phone_is_refused(on: On, number: str) -> None:
    async def story(network: Network) -> None:
        call = await first_hop(network)
        name = next(key for key, value in call.body.items() if "254700000001" in str(value))
        answer = await network.send(having(call, name, number))
        assert answer.status_code == 400 or network.shown(answer).startswith("END ")
        await assert_nothing_kept(network)

    on(story)


def test_another_content_type_changes_nothing(on: On) -> None:
    """Gateways behind proxies lose theirs; what counts is what stands in the body."""

    async def story(network: Network) -> None:
        call = await first_hop(network)
        for kind in ("text/plain", "multipart/form-data", "application/xml", ""):
            sent = replace(call, more_headers={"content-type": kind})
            assert "Welcome" in network.shown(await network.send(sent))

    on(story)


def test_a_session_that_another_phone_names_is_not_theirs_to_see(on: On) -> None:
    async def story(network: Network) -> None:
        mine = network.phone()
        await mine.dial()
        assert "Where?" in await mine.type("1")
        theirs = network.phone(STRANGER)
        await theirs.dial()
        theirs.session = mine.session

        shown = await theirs.again()

        assert "Where?" not in shown
        assert "Which day" in await mine.type("1")

    on(story)


def test_a_code_that_is_not_ours_is_not_answered_with_our_screens(on: On) -> None:
    async def story(network: Network) -> None:
        call = await first_hop(network)
        strange: dict[str, dict[str, Any]] = {
            "safaricom": {"DEST": "999"},
            "airtel": {"input": "999*1"},
            "hubtel": {"Message": "*999#"},
        }
        over = strange.get(network.operator.name)
        if over is None:
            return  # Africa's Talking brings only calls to our own code.
        answer = await network.send(replace(call, body={**call.body, **over}))
        if network.operator.name == "airtel":
            # It does not say which hop is the first: what is no code is a key of a lost session.
            assert "Welcome" in network.shown(answer)
        else:
            assert answer.status_code == 400

    on(story)


def test_rubbish_as_an_end_of_a_call_is_refused_or_kept_as_it_is(on: On) -> None:
    async def story(network: Network) -> None:
        call = await first_hop(network)
        ends = {
            "hubtel": having(call, "Type", "Release"),
            "airtel": replace(call, body={**call.body, "clean": "x", "msisdn": "rubbish"}),
        }
        end = ends.get(network.operator.name)
        if end is None:
            return  # These have no end at this address.
        answer = await network.send(end)
        assert answer.status_code in {200, 400}
        assert answer.status_code == 400 or json.loads(answer.content or b"{}") == {}
        await assert_nothing_kept(network)

    on(story)
