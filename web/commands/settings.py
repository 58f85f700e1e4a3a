"""``nafasi settings``: what is configured, and the ``.env.example`` that lists what can be."""

import sys
import textwrap
from typing import Annotated

import typer

from web.commands.setup import load_settings, put_json

WIDTH = 96
HEAD = """\
# Settings of Nafasi with their defaults. Written by `nafasi settings --env-example` from the
# settings class; do not edit. Copy to .env and uncomment what you change; `nafasi up` needs
# nothing. Every NAFASI_X can also come from a file: NAFASI_X_FILE.
"""


def settings(
    *,
    env_example: Annotated[
        bool, typer.Option("--env-example", help="Write .env.example to stdout.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show the settings in use. Secrets are covered."""
    if env_example:
        sys.stdout.write(example())
        return
    shown = {
        f"NAFASI_{name.upper()}": value if isinstance(value, int) else str(value)
        for name, value in load_settings()
    }
    if as_json:
        put_json(shown)
        return
    for name, value in shown.items():
        typer.echo(f"{name}={_one_line(str(value))}")


def example() -> str:
    """Return the text of ``.env.example``."""
    from pydantic import SecretStr

    from core.settings import PREFIX, Settings

    parts = [HEAD]
    for name, field in Settings.model_fields.items():
        about = textwrap.wrap(field.description or "", WIDTH, break_long_words=False)
        default = field.default
        value = "" if isinstance(default, SecretStr) else str(default)
        comment = "\n".join(f"# {line}" for line in about)
        parts.append(f"{comment}\n#{PREFIX}{name.upper()}={value}\n")
    return "\n".join(parts)


def _one_line(value: str) -> str:
    """A certificate is a page long: its first line says what it is."""
    first, newline, _ = value.partition("\n")
    return f"{first} ..." if newline else first
