"""``nafasi admins``: who of ours may sign in at the API."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import Json, decided, fail, lists, load_settings, put_json, say
from web.desk.sentences import ADMINS

if TYPE_CHECKING:
    from core.db.tx import Tx

app = typer.Typer(help="Who of ours may sign in at the API: list, add, disable, reset.")

Email = Annotated[str, typer.Argument(help="The admin's e-mail address.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from a line of stdin.")
]
_run = partial(decided, sentences=ADMINS)


@lists(app)
def list_all(*, as_json: Json = False) -> None:
    """List all admins by address."""
    from core.admins.queries import all_admins

    def read(tx: "Tx") -> list[dict[str, Any]]:
        return [
            {
                "email": admin.email,
                "since": admin.created_at.isoformat(),
                "locked_until": admin.locked_until.isoformat()
                if admin.locked_until and admin.locked_until > tx.now
                else None,
                "disabled_at": admin.disabled_at.isoformat() if admin.disabled_at else None,
            }
            for admin in all_admins(tx)
        ]

    rows = _run(read)
    if as_json:
        put_json({"admins": rows})
    elif not rows:
        sys.stdout.write("Nobody can sign in: nafasi admins add EMAIL.\n")
    for row in [] if as_json else rows:
        state = "disabled" if row["disabled_at"] else "locked" if row["locked_until"] else ""
        sys.stdout.write(f"{row['email']}  {state}".rstrip() + "\n")


@app.command()
def add(email: Email, *, password_stdin: FromStdin = False) -> None:
    """Make an account; the key of its codes is shown this once."""
    from core.admins.usecases import add_admin

    password = _ask_password(from_stdin=password_stdin)
    _show_codes(_run(partial(add_admin, email=email, password=password)))


@app.command()
def disable(email: Email) -> None:
    """Let somebody in no more; who is signed in is out at once."""
    from core.admins.usecases import disable as shut_out

    _run(partial(shut_out, email=email))
    say.print(f"{email} is let in no more.", markup=False)


@app.command()
def reset(email: Email, *, password_stdin: FromStdin = False) -> None:
    """Give a new password and new codes: ends all sessions, a lock, and being disabled."""
    from core.admins.usecases import reset as begin_anew

    password = _ask_password(from_stdin=password_stdin)
    _show_codes(_run(partial(begin_anew, email=email, password=password)))


@app.command()
def code(email: Email) -> None:
    """Show the code of this moment, in a local trial: its clock may not be your app's."""
    from core.admins.usecases import code_now

    if not load_settings().local:
        fail("Codes are shown in a local trial only.")
    sys.stdout.write(_run(partial(code_now, email=email)) + "\n")


def _ask_password(*, from_stdin: bool) -> str:
    """Never an argument: those stand in the shell's history and in the list of processes."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked


def _show_codes(address: str) -> None:
    import segno

    say.print("Scan this with an authenticator app. It is not shown again.")
    segno.make(address).terminal(out=sys.stdout, compact=True)
    sys.stdout.write(f"{address}\n")
