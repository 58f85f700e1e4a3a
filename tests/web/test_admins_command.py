"""``nafasi admins``: accounts are made at the console; secrets are shown once and kept nowhere."""

import json

import pytest
from typer.testing import CliRunner, Result

from core.admins.rules import step_at
from core.admins.usecases import sign_in
from core.clock import SystemClock
from core.db.tx import Database
from tests.core.admins.staff import EMAIL, PASSWORD, Staff, app_with
from tests.web.rig import Inside
from web.cli import app


def typed(*words: str, lines: str) -> Result:
    """A command with what is typed, or piped, into it."""
    return CliRunner().invoke(app, ["admins", *words], input=lines)


def lets_in(database: Database, address: str, password: str) -> bool:
    code = app_with(address).code(step_at(database.clock.now()))
    return database.run(lambda tx: sign_in(tx, EMAIL, password, code)) is not None


@pytest.mark.usefixtures("inside")
def test_an_account_is_made_and_made_anew(database: Database) -> None:
    database.clock = SystemClock()
    made = typed("add", EMAIL, "--password-stdin", lines=f"{PASSWORD}\n")

    assert made.exit_code == 0, made.output
    *picture, address = made.stdout.splitlines()
    assert address.startswith("otpauth://totp/Nafasi:wanjiku%40nafasi.example?")
    assert len(picture) > 15
    assert PASSWORD not in made.output
    assert lets_in(database, address, PASSWORD)

    # On a terminal it is asked for twice.
    again = typed("reset", EMAIL, lines="another good one\nanother good one\n")
    assert again.exit_code == 0, again.output
    assert "another good one" not in again.output
    assert not lets_in(database, address, PASSWORD)
    assert lets_in(database, again.stdout.splitlines()[-1], "another good one")


def test_all_are_listed_with_how_they_stand(inside: Inside, database: Database) -> None:
    assert "Nobody can sign in" in inside("admins").stdout
    database.clock = SystemClock()
    locked = Staff.join(database, "atieno@nafasi.example")
    Staff.join(database)
    for _ in range(5):
        locked.signs_in(database, password="guess" * 3)
    assert inside("admins", "disable", EMAIL).exit_code == 0

    assert inside("admins", "list").stdout.splitlines() == [
        "atieno@nafasi.example  locked", "wanjiku@nafasi.example  disabled",
    ]  # fmt: skip
    first, second = json.loads(inside("admins", "--json").stdout)["admins"]
    assert (first["disabled_at"], second["locked_until"]) == (None, None)
    assert first["locked_until"] > first["since"] < second["disabled_at"]


@pytest.mark.usefixtures("inside")
def test_what_cannot_be_is_said_in_a_sentence(database: Database) -> None:
    Staff.join(database, "atieno@nafasi.example")
    for words, line, sentence in (
        (("add", "wanjiku"), PASSWORD, "That is no e-mail address."),
        (("add", EMAIL), "short", "A password has at least 12 letters."),
        (("add", EMAIL), "", "A password has at least 12 letters."),
        (("add", EMAIL), "x" * 129, "A password has at most 128 letters."),
        (("add", EMAIL), EMAIL, "The address is no password."),
        (("add", "Atieno@nafasi.example"), PASSWORD, "has that address already."),
        (("reset", EMAIL), PASSWORD, "Nobody of ours has that address."),
    ):
        refused = typed(*words, "--password-stdin", lines=line)
        assert (refused.exit_code, refused.stdout) == (2, ""), words
        assert sentence in refused.stderr


def test_a_trial_shows_the_code_of_its_own_clock(inside: Inside, database: Database) -> None:
    database.clock = SystemClock()
    somebody = Staff.join(database)

    shown = inside("admins", "code", EMAIL)

    assert shown.exit_code == 0, shown.output
    assert somebody.signs_in(database, code=shown.stdout.strip()) is not None
    assert "Nobody of ours" in inside("admins", "code", "other@nafasi.example").stderr
