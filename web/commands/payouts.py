"""``nafasi payouts`` and ``nafasi vendors``: paying vendors, and what may keep that from going."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import (
    Json,
    decided,
    fail,
    forget_callers,
    lists,
    load_settings,
    open_database,
    put_json,
    refusals,
    say,
)

if TYPE_CHECKING:
    from core.db.tx import Tx
    from core.payouts.model import Payout
    from core.people.model import Vendor

app = typer.Typer(help="Payouts that wait: list, run, retry, hold, release, resume.")
vendors = typer.Typer(help="Who a vendor is, where they are paid, whether they may sell.")

Number = Annotated[int, typer.Argument(help="The vendor's number, as `nafasi payouts` shows it.")]

# What each refusal means to whoever typed the command.
SENTENCES = {
    "no_vendor": "There is no such vendor.",
    "no_failed_payout": "The last payout of this vendor has not failed.",
    "no_details": "This vendor has not said where to be paid.",
    "payout_held": "Nothing was sent: {reason}. See `nafasi vendors show`.",
    "same_details": "That is where this vendor is paid already.",
    "bad_phone": "That is no Kenyan mobile number.",
    "bad_input": "That {field} cannot be used.",
    "bad_note": "Say why, in at most {most} letters: it is kept with the vendor.",
    "no_payout": "No payout arrived under that receipt, or it has come back before.",
    "no_listing": "There is no such listing.",
    "vendor_unchecked": "Its vendor is not checked yet: `nafasi vendors verify --kyc`.",
    "number_seen": "That number has been seen before.",
    "not_active": "This vendor does not sell now: {status}.",
    "not_suspended": "This vendor is not suspended: {status}.",
    "no_kyc": "Nobody has seen this vendor's papers: `nafasi vendors verify --kyc` first.",
}
run_command = partial(decided, sentences=SENTENCES)


@lists(app)
def list_waiting(*, as_json: Json = False) -> None:
    """List payouts that are not paid yet, and providers through which nothing is sent."""
    from core.payouts.halts import halts
    from core.payouts.queries import payouts_waiting

    with open_database(load_settings()) as database, database.transaction() as tx:
        rows = [_told(view.payout, view.vendor) for view in payouts_waiting(tx)]
        halted = [
            {
                "provider": halt.provider,
                "reason": halt.reason.value,
                "code": halt.code,
                "since": halt.since.isoformat(),
            }
            for halt in halts(tx)
        ]
    if as_json:
        put_json({"payouts": rows, "halted": halted})
        return
    for row in rows:
        sys.stdout.write(_line(row))
    for halt in halted:
        sys.stdout.write(
            f"{halt['provider']} sends nothing since {halt['since']}: {halt['reason']}"
            f" ({halt['code']})\n"
        )
    if not rows and not halted:
        sys.stdout.write("Every payout is paid.\n")


@app.command()
def run(
    *,
    vendor: Annotated[int | None, typer.Option(help="Only this vendor, by number.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Pay out now what is owed, as Monday's run does, to all vendors or to one."""
    from uuid import UUID

    from core.limits import LIST_MAX
    from core.payouts.details import find_vendor
    from core.payouts.runs import guard_run, vendors_owed
    from core.payouts.usecases import make_payouts

    def make(tx: "Tx", chosen: list[UUID]) -> list[dict[str, Any]]:
        savepoint = tx.db.begin_nested()
        made = make_payouts(tx, chosen)
        rows = [_told(payout, _vendor_of(tx, payout)) for payout in made]
        if dry_run:
            savepoint.rollback()
            tx.woken.clear()
        return rows

    rows: list[dict[str, Any]] = []
    with refusals(SENTENCES), open_database(load_settings()) as database:
        if vendor is not None:
            rows += database.run(lambda tx: make(tx, [find_vendor(tx, vendor).id]))
        else:
            if not dry_run:
                database.run(guard_run)
            after: UUID | None = None
            while chosen := database.run(partial(vendors_owed, after=after, limit=LIST_MAX)):
                rows += database.run(partial(make, chosen=chosen))
                after = chosen[-1]
    if as_json:
        put_json({"dry_run": dry_run, "payouts": rows})
        return
    for row in rows:
        sys.stdout.write(_line(row))
    total = sum(row["amount_cents"] for row in rows if row["state"] == "released")
    held = sum(row["state"] == "held" for row in rows)
    would = "would be " if dry_run else ""
    sys.stdout.write(f"{len(rows)} {would}made, {_shillings(total)} to go out, {held} held.\n")


@app.command()
def retry(number: Number) -> None:
    """Try a vendor's failed payout again, to where they are paid today."""
    from core.payouts.details import find_vendor
    from core.payouts.usecases import retry_payout

    payout = run_command(lambda tx: retry_payout(tx, find_vendor(tx, number)))
    say.print(f"{_shillings(payout.amount_cents - payout.paid_cents)} is on its way again.")


@app.command()
def hold(
    number: Number, why: Annotated[str, typer.Option(help="Why; it is kept with the vendor.")]
) -> None:
    """Pay a vendor nothing more until `release`; what was sent already cannot be called back."""
    from core.payouts.details import find_vendor
    from core.payouts.usecases import hold_by_admin

    run_command(lambda tx: hold_by_admin(tx, find_vendor(tx, number), why))
    say.print(f"Vendor {number} is paid nothing more for now.")


@app.command()
def release(number: Number) -> None:
    """Take a hold back and send what may be sent."""
    from core.payouts.details import find_vendor
    from core.payouts.usecases import release_by_admin

    left = run_command(lambda tx: release_by_admin(tx, find_vendor(tx, number)))
    say.print(
        f"Vendor {number} is paid again."
        if left is None
        else f"The hold is taken back, but something else is in the way: {left.reason.value}."
    )


@app.command()
def resume(
    provider: Annotated[str, typer.Argument(help="daraja or flutterwave.")],
) -> None:
    """Go on sending through a provider: you have mended what it was halted for."""
    from core.payouts.halts import resume as go_on

    if not run_command(lambda tx: go_on(tx, provider)):
        fail(f"{provider} is not halted.")
    say.print(f"Payments through {provider} go on.")


@app.command("reversed")
def came_back(
    receipt: Annotated[str, typer.Argument(help="The receipt under which the money went out.")],
    number: Annotated[
        str, typer.Option("--number", help="Under what number the statement shows it came back.")
    ],
    provider: Annotated[str, typer.Option(help="Whose statement it is.")] = "daraja",
) -> None:
    """Book that money we sent came back, as a provider's statement shows; it is owed again."""
    from core.payments.looked_up import book_reversal

    cents = run_command(lambda tx: book_reversal(tx, provider, receipt, number))
    say.print(f"{_shillings(cents)} is owed again. Check where it should go.")


@vendors.command()
def show(number: Number, *, as_json: Json = False) -> None:
    """Tell what is known of a vendor and what keeps them from being paid."""
    from core.payouts.details import find_vendor
    from core.payouts.queries import earnings
    from core.payouts.standing import notes_of

    def read(tx: "Tx") -> dict[str, Any]:
        vendor = find_vendor(tx, number)
        found = earnings(tx, vendor.id)
        return {
            "vendor": vendor.number,
            "business": vendor.business_name,
            "status": vendor.status.value,
            "kyc_verified_at": _moment(vendor.kyc_verified_at),
            "payout_method": vendor.payout_method.value if vendor.payout_method else None,
            "paid_to": _place(tx, vendor),
            "payout_changed_at": _moment(vendor.payout_changed_at),
            "payout_verified_at": _moment(vendor.payout_verified_at),
            "held_why": vendor.payouts_held_why,
            "notes": [
                f"{note.at:%Y-%m-%d} {note.decision.value}: {note.words}"
                for note in notes_of(tx, vendor.id)
            ],
            "hold": found.hold.reason.value if found.hold else None,
            "hold_until": _moment(found.hold.until) if found.hold else None,
            "payable_cents": found.payable.cents,
            "on_the_way_cents": found.on_the_way.cents,
        }

    told = run_command(read)
    if as_json:
        put_json(told)
        return
    for name, value in told.items():
        shown = "; ".join(value) if isinstance(value, list) else value
        sys.stdout.write(f"{name}: {'-' if shown in (None, '') else shown}\n")


@vendors.command("pay-to")
def pay_to(
    number: Number,
    *,
    mpesa: Annotated[str | None, typer.Option(help="An M-Pesa number.")] = None,
    bank: Annotated[str | None, typer.Option(help="A bank's clearing code.")] = None,
    account: Annotated[str | None, typer.Option(help="The account there.")] = None,
    name: Annotated[str | None, typer.Option(help="Whose account it is.")] = None,
) -> None:
    """Note where a vendor wants to be paid; whoever was paid before is told by SMS."""
    from core.payouts.details import change_details
    from core.people.model import PayoutMethod

    if (mpesa is None) is (bank is None):
        fail("Give --mpesa NUMBER, or --bank CODE --account NUMBER --name NAME.")
    method = PayoutMethod.BANK if bank is not None else PayoutMethod.MPESA
    given = {"msisdn": mpesa, "bank": bank, "account": account, "name": name}
    details = {key: value for key, value in given.items() if value is not None}
    run_command(lambda tx: change_details(tx, number, method, details))
    say.print("Noted. It is used once somebody has verified it, and not before three days.")


@vendors.command()
def verify(
    number: Number,
    *,
    kyc: Annotated[bool, typer.Option("--kyc", help="Their papers are in order.")] = False,
    payout: Annotated[
        bool, typer.Option("--payout", help="The vendor has confirmed where to be paid.")
    ] = False,
    note: Annotated[str, typer.Option(help="What you have seen; kept with --kyc.")] = "",
) -> None:
    """Note that you have checked a vendor; what was held only for that goes out.

    With --kyc a new vendor's listings are found from now on.
    """
    from core.payouts import details, standing
    from core.people.queries import owner_of

    if not (kyc or payout):
        fail("Say what you have checked: --kyc, --payout or both.")

    def check(tx: "Tx") -> None:
        vendor = details.verify(tx, number, kyc=kyc, payout=payout)
        if kyc:
            standing.verified(tx, vendor, note)

    run_command(check)
    if kyc:
        forget_callers(run_command(lambda tx: owner_of(tx, number)))
    say.print(f"Vendor {number} is verified.")


@vendors.command()
def suspend(
    number: Number, why: Annotated[str, typer.Option(help="Why; it is kept with the vendor.")]
) -> None:
    """Take a vendor out of searches and pay them nothing more; paid bookings stand."""
    from core.payouts import standing

    left = run_command(lambda tx: standing.suspend(tx, number, why))
    say.print(
        f"Vendor {number} is suspended: {left.declined} requests were declined,"
        f" {left.standing} bookings stand."
    )


@vendors.command()
def reinstate(
    number: Number, why: Annotated[str, typer.Option(help="Why; it is kept with the vendor.")]
) -> None:
    """Let a suspended vendor sell again, and send what was held only for that."""
    from core.payouts import standing

    run_command(lambda tx: standing.reinstate(tx, number, why))
    say.print(f"Vendor {number} sells again.")


def _vendor_of(tx: "Tx", payout: "Payout") -> "Vendor":
    from core.people.model import Vendor

    return tx.db.get_one(Vendor, payout.vendor_id)


def _told(payout: "Payout", vendor: "Vendor") -> dict[str, Any]:
    return {
        "vendor": vendor.number,
        "business": vendor.business_name,
        "state": payout.state.value,
        "amount_cents": payout.amount_cents,
        "paid_cents": payout.paid_cents,
        "held_for": payout.hold_reason.value if payout.hold_reason else None,
        "why": vendor.payouts_held_why,
        "tries": payout.tries,
        "reason": payout.reason,
        "due_at": _moment(payout.due_at),
        "since": _moment(payout.created_at),
    }


def _line(row: dict[str, Any]) -> str:
    why = row["held_for"] or row["reason"] or ""
    next_look = f", next look {row['due_at']}" if row["due_at"] else ""
    missing = _shillings(row["amount_cents"] - row["paid_cents"])
    return f"{row['vendor']}  {row['business']}  {missing}  {row['state']}  {why}{next_look}\n"


def _place(tx: "Tx", vendor: "Vendor") -> str | None:
    """Where a vendor is paid, as much of it as is needed to recognise it."""
    from core.msisdn import mask

    if vendor.payout_sealed is None:
        return None
    details = tx.vault.open(vendor.payout_sealed)
    if "msisdn" in details:
        return mask(details["msisdn"])
    return f"bank {details['bank']}, account ending in {details['account'][-3:]}"


def _moment(moment: Any) -> str | None:
    return moment.isoformat() if moment is not None else None


def _shillings(cents: int) -> str:
    return f"KES {cents // 100:,}"
