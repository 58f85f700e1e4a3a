"""``nafasi check | ledger``: whether everything that must be true is true, and where money is."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from web.commands.setup import Json, load_settings, open_database, put_json

if TYPE_CHECKING:
    from core.escrow.ledger import TrialLine


def check(*, as_json: Json = False) -> None:
    """Check the live invariants. Exit code 1 when one is broken."""
    from rich.console import Console
    from rich.table import Table

    from core.invariants.run import run_all

    with open_database(load_settings()) as database, database.transaction() as tx:
        findings = run_all(tx)
    rows = [
        {
            "invariant": str(found.invariant),
            "subject": found.subject,
            "expected": found.expected,
            "actual": found.actual,
        }
        for found in findings
    ]
    if as_json:
        put_json({"ok": not rows, "findings": rows})
    elif not rows:
        sys.stdout.write("Everything that must be true is true.\n")
    else:
        table = Table("Invariant", "Where", "Expected", "Found")
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        Console().print(table)
    if rows:
        raise typer.Exit(1)


def ledger(*, as_json: Json = False) -> None:
    """Show the trial balance and whether the money held covers what is owed."""
    from channels.registry import accounts_of
    from core.cases.queries import open_by_kind
    from core.escrow import ledger as book
    from core.reconcile.balance import last_held
    from core.reconcile.queries import account_views, open_items

    settings = load_settings()
    with open_database(settings) as database, database.transaction() as tx:
        lines = book.trial_balance(tx)
        items = open_items(tx)
        views = account_views(tx, accounts_of(settings))
        held = last_held(tx)
        cases = {kind.value: count for kind, (count, _) in open_by_kind(tx).items()}
    sums = book.totals(lines)
    balanced = sums.debit_cents == sums.credit_cents
    totals = asdict(sums) | {
        "balanced": balanced,
        "open_items": asdict(items),
        "statements": [asdict(view) | {"expected_cents": view.expected_cents} for view in views],
        "balances": [asdict(each) for each in held],
        "cases": cases,
    }
    if as_json:
        balances = [
            {"account": line.account, "kind": line.kind.value, "balance_cents": line.balance.cents}
            for line in lines
        ]
        put_json({"currency": "KES", "accounts": balances, **totals})
    else:
        _print_ledger(lines, totals)
        _print_statements(totals)
    if not balanced:
        raise typer.Exit(1)


def _print_ledger(lines: "list[TrialLine]", totals: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from core.escrow.accounts import NORMAL_SIDE, Side

    table = Table("Account")
    table.add_column("Debit KES", justify="right")
    table.add_column("Credit KES", justify="right")
    for line in lines:
        amount = _shillings(line.balance.cents)
        on_debit = NORMAL_SIDE[line.kind] is Side.DEBIT
        table.add_row(line.account, amount if on_debit else "", "" if on_debit else amount)
    table.add_section()
    table.add_row("Total", _shillings(totals["debit_cents"]), _shillings(totals["credit_cents"]))
    Console().print(table)
    sys.stdout.write(
        f"Held with providers {_shillings(totals['float_cents'])}"
        f" = owed to others {_shillings(totals['owed_cents'])}"
        f" (of it escrow {_shillings(totals['escrow_owed_cents'])},"
        f" nobody's yet {_shillings(totals['suspense_cents'])})"
        f" + earned {_shillings(totals['earned_cents'])}\n"
    )


def _print_statements(totals: dict[str, Any]) -> None:
    """Say how far providers' statements confirm the float, and what waits for a person."""
    for view in totals["statements"]:
        if view["until"] is not None:
            expected = view["expected_cents"]
            should = "" if expected is None else f"; should hold {_shillings(expected)} now"
            name = f"{view['provider']} {view['account']}"
            sys.stdout.write(f"{name}: statements until {view['until']:%Y-%m-%d}{should}\n")
    for held in totals["balances"]:
        sys.stdout.write(
            f"{held['provider']} says it holds {_shillings(held['held_cents'])}"
            f" ({held['asked_at']:%Y-%m-%d %H:%M} UTC), of it not in the books"
            f" {_shillings(held['gap_cents'])}; changed without a reason:"
            f" {_shillings(held['difference_cents'])}\n"
        )
    items = totals["open_items"]
    sys.stdout.write(
        f"Older than three days and in no statement: {items['receipts']} receipts,"
        f" in {_shillings(items['in_cents'])}, out {_shillings(items['out_cents'])}\n"
    )
    if waiting := sum(totals["cases"].values()):
        sys.stdout.write(f"Cases that wait for a person: {waiting} (nafasi cases)\n")


def _shillings(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{rest:02d}"
