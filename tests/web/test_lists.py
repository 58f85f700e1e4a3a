"""Nouns of the command line: alone and with ``list`` they show the same."""

import json

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from tests.web.rig import Inside
from web.cli import app


def nouns() -> list[str]:
    """Return every noun that does something alone."""
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    return sorted(
        name
        for name, command in root.commands.items()
        if isinstance(command, TyperGroup) and command.invoke_without_command
    )


@pytest.mark.parametrize("noun", nouns())
def test_a_noun_alone_lists_as_list_does(noun: str, inside: Inside) -> None:
    told, listed = inside(noun, "--json"), inside(noun, "list", "--json")

    assert (told.exit_code, listed.exit_code) == (0, 0), listed.stderr
    assert json.loads(told.stdout) == json.loads(listed.stdout)
    assert inside(noun).stdout == inside(noun, "list").stdout != ""


def test_no_noun_is_missing() -> None:
    assert {"cases", "payouts", "refunds", "rates", "disputes", "tickets"} <= set(nouns())
