"""Tokens: how long they count, and wrong ways to call with and without one."""

from core.clock import ManualClock
from tests.channels.simulator.prompts import error
from tests.channels.simulator.rig import Simulator


def test_a_token_comes_with_its_life_as_text_and_as_number(simulator: Simulator) -> None:
    first, second = simulator.oauth(), simulator.oauth()

    assert set(first.json()) == {"access_token", "expires_in"}
    assert [first.json()["expires_in"], second.json()["expires_in"]] == ["3599", 3599]


def test_wrong_token_requests(simulator: Simulator) -> None:
    url = f"{simulator.base}/daraja/oauth/v1/generate"
    key = (simulator.config.consumer_key, simulator.config.consumer_secret)

    assert error(simulator.http.get(url))[:2] == (400, "400.008.01")
    assert error(simulator.http.get(url, auth=key))[:2] == (400, "400.008.02")
    stranger = simulator.http.get(
        url, params={"grant_type": "client_credentials"}, auth=("who", "else")
    )
    assert (stranger.status_code, stranger.content) == (400, b"")


def test_a_newer_token_makes_the_older_worthless(simulator: Simulator) -> None:
    old = simulator.token()
    new = simulator.token()

    assert error(simulator.push(old)) == (404, "404.001.03", "Invalid Access Token")
    assert simulator.push(new).status_code == 200


def test_a_token_grows_old(simulator: Simulator, clock: ManualClock) -> None:
    token = simulator.token()
    clock.advance(seconds=3598)
    assert simulator.push(token).status_code == 200
    clock.advance(seconds=1)
    assert error(simulator.push(token))[1] == "404.001.03"


def test_wrong_ways_to_call(simulator: Simulator) -> None:
    url = f"{simulator.base}/daraja/mpesa/stkpush/v1/processrequest"
    bearer = {"Authorization": f"Bearer {simulator.token()}"}

    assert error(simulator.http.post(url, json={}))[:2] == (404, "404.001.04")
    assert error(simulator.http.get(url, headers=bearer))[:2] == (405, "405.001")
    form = simulator.http.post(url, data={"Amount": "1"}, headers=bearer)
    assert error(form)[1:] == ("400.002.02", "Bad Request - Invalid Content-Type")
    json = bearer | {"Content-Type": "application/json"}
    assert error(simulator.http.post(url, content=b"{", headers=json))[1] == "400.002.05"
    assert error(simulator.http.post(url, content=b"[]", headers=json))[1] == "400.002.05"
    nowhere = simulator.http.post(f"{simulator.base}/daraja/mpesa/stkpush/v9/x", headers=bearer)
    assert error(nowhere)[:2] == (404, "404.001.01")
