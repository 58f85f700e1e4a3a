"""The landing page and the pages of failure, as a browser gets them."""

import re

import httpx
from fastapi import FastAPI

from core.clock import ManualClock
from core.db.tx import Database
from tests.conftest import START
from tests.support.serving import serving
from tests.web.rig import Web, make_settings, running
from web.pages.errors import add_error_pages
from web.pages.routes import STATIC

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
CSS_BYTES_MAX = 4_000
PAGE_BYTES_MAX = 14_000


def test_the_landing_page_says_what_to_dial(web: Web) -> None:
    answer = web.http.get("/")

    assert answer.status_code == 200
    assert '<html lang="en">' in answer.text
    assert "*384*7781#" in answer.text
    assert 'href="tel:*384*7781%23"' in answer.text
    assert "0700000099" in answer.text
    assert len(answer.content) < PAGE_BYTES_MAX


def test_the_landing_page_speaks_swahili(web: Web) -> None:
    asked = web.http.get("/?lang=sw").text
    preferred = web.http.get("/", headers={"Accept-Language": "sw-KE,en;q=0.5"}).text

    assert '<html lang="sw">' in asked
    assert "Jinsi inavyofanya kazi" in asked
    assert preferred == asked


def test_rubbish_for_a_language_is_english(web: Web) -> None:
    answer = web.http.get("/?lang=<script>", headers={"Accept-Language": "x" * 5_000})

    assert '<html lang="en">' in answer.text
    assert "<script>" not in answer.text


def test_a_page_needs_nothing_from_elsewhere_and_runs_no_script(web: Web) -> None:
    answer = web.http.get("/")

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script|<style| style=| on[a-z]+=|https?://", answer.text)


def test_the_style_sheet_is_small_and_there(web: Web) -> None:
    assert web.http.get("/static/nafasi.css").status_code == 200
    assert (STATIC / "nafasi.css").stat().st_size <= CSS_BYTES_MAX


def test_a_missing_page_is_a_page_for_people_and_json_for_others(web: Web) -> None:
    page = web.http.get("/nothing", headers=BROWSER)
    plain = web.http.get("/nothing")

    assert page.status_code == plain.status_code == 404
    assert "There is no such page." in page.text
    assert plain.json() == {"error": "Not Found"}


def test_a_failure_is_a_page_that_gives_nothing_away() -> None:
    app = FastAPI()
    add_error_pages(app, ManualClock(START))

    @app.get("/broken")
    def broken() -> None:
        raise ValueError("the secret is swordfish")

    with serving(app) as base:
        page = httpx.get(f"{base}/broken", headers=BROWSER, trust_env=False)
        plain = httpx.get(f"{base}/broken", trust_env=False)

    assert page.status_code == plain.status_code == 500
    assert "Something went wrong on our side." in page.text
    assert "swordfish" not in page.text + plain.text


def test_each_answer_has_a_request_id_and_keeps_a_sane_one(web: Web) -> None:
    made = web.http.get("/healthz").headers["x-request-id"]
    kept = web.http.get("/healthz", headers={"X-Request-ID": "trace-12345678"})
    replaced = web.http.get("/healthz", headers={"X-Request-ID": b"a b\xe9 12345678"})

    assert len(made) == 36
    assert kept.headers["x-request-id"] == "trace-12345678"
    assert len(replaced.headers["x-request-id"]) == 36


def test_browsers_are_held_to_https_where_we_are_reached_by_it(
    database: Database, redis_url: str
) -> None:
    settings = make_settings(database, redis_url, public_url="https://nafasi.example")
    with running(database, settings) as web:
        assert "max-age" in web.http.get("/").headers["strict-transport-security"]


def test_without_simulators_there_is_no_simulator_page(web: Web) -> None:
    assert web.http.get("/simulator").status_code == 404
    assert web.http.get("/simulator/api/phones").status_code == 404
    assert "/simulator" not in web.http.get("/").text
