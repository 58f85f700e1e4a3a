"""A third language is one catalog: chosen on the phone, in a phone's letters, English where it
is silent."""

import asyncio

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.db.tx import Database
from core.people.model import Language, User
from core.ports.calls import UssdTurn
from core.settings import Settings
from sessions.bootstrap import build_conductor
from sessions.gsm7 import septets
from sessions.texts import DRAFTS, LANGUAGES, NAMES, n, plain, t
from tests.sessions.sample import CALLER, CODE


def test_letters_that_phones_lack_pass_the_gate() -> None:
    assert plain(t("Halls and venues"), "ki") == "Nyumba cia micemanio"
    assert plain(n("{count} person", "{count} people", 1), "ki") == "mundu 1"
    assert plain(n("{count} person", "{count} people", 80), "ki") == "andu 80"
    assert septets(plain("{}".format(NAMES["ki"]), "ki")) == len("Gikuyu")


def test_what_nobody_has_translated_is_english() -> None:
    assert plain(t("Close or open days"), "ki") == "Close or open days"
    assert plain(n("{count} day closed.", "{count} days closed.", 2), "ki") == "2 days closed."


def test_every_language_has_a_name_and_drafts_are_not_offered_by_themselves() -> None:
    assert NAMES.keys() == {*LANGUAGES, *DRAFTS} == {language.value for language in Language}
    assert Settings().languages.split(",") == list(LANGUAGES)
    with pytest.raises(ValueError, match="languages"):
        Settings(languages="en,xx")


def test_a_draft_that_is_offered_is_chosen_and_remembered(
    database: Database, redis_url: str, clock: ManualClock
) -> None:
    settings = Settings(redis_url=redis_url, languages="en,sw,ki")

    async def call(session: str, *transcripts: str) -> list[str]:
        conductor = build_conductor(database, redis_url, settings)
        await conductor.start()
        try:
            return [
                (await conductor.advance(UssdTurn("hubtel", session, CALLER, CODE, typed))).text
                for typed in transcripts
            ]
        finally:
            await conductor.aclose()

    first, offered, chosen = asyncio.run(call("s1", "", "5", "5*2"))
    (again,) = asyncio.run(call("s2", ""))

    assert "5. Language" in first
    assert offered.splitlines()[:3] == ["Which language?", "1. Kiswahili", "2. Gikuyu"]
    assert "1. Nyumba cia micemanio" in chosen
    assert "5. Ruthiomi" in chosen
    assert again == chosen
    with database.transaction() as tx:
        assert tx.db.scalars(select(User.language)).all() == [Language.KI]
