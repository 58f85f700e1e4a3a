"""The command ``nafasi``. Subcommands live in ``web.commands``."""

import typer

from web.commands import (
    admins,
    bench,
    books,
    cancel,
    cases,
    catalogs,
    change,
    clock,
    conversation,
    deadletters,
    disputes,
    docs,
    doctor,
    etims,
    flows,
    funnel,
    migrate,
    papers,
    paybill,
    payouts,
    phone,
    photos,
    rates,
    reconcile,
    refunds,
    reviews,
    run,
    seed,
    sending,
    settings,
    simulate,
    simulator,
    tax,
    tickets,
    up,
    vendors,
)

app = typer.Typer(
    help="Hospitality booking for Kenya from any phone: USSD, SMS and M-Pesa, with escrow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(up.up)
app.command()(phone.phone)
app.command()(doctor.doctor)
app.command()(books.check)
app.command()(books.ledger)
app.command()(cancel.cancel)
app.command()(change.change)
app.add_typer(refunds.app, name="refunds")
app.command()(cancel.policy)
app.command()(paybill.deposit)
app.add_typer(paybill.app, name="paybill")
app.command()(reconcile.reconcile)
app.add_typer(cases.app, name="cases")
app.add_typer(deadletters.app, name="deadletters")
app.command()(sending.costs)
app.command()(sending.optouts)
app.add_typer(payouts.app, name="payouts")
app.add_typer(payouts.vendors, name="vendors")
app.add_typer(vendors.listings, name="listings")
app.add_typer(photos.app, name="photos")
app.command()(papers.receipt)
app.command()(papers.statement)
app.add_typer(rates.app, name="rates")
app.add_typer(tax.app, name="tax")
app.add_typer(etims.app, name="etims")
app.add_typer(disputes.app, name="disputes")
app.add_typer(admins.app, name="admins")
app.add_typer(tickets.app, name="tickets")
app.command()(funnel.funnel)
app.add_typer(reviews.app, name="reviews")
app.add_typer(clock.app, name="clock")
app.command()(clock.trigger)
app.command()(simulate.simulate)
app.add_typer(bench.app, name="bench")
app.command()(seed.seed)
app.command()(migrate.migrate)
app.command()(settings.settings)
app.command()(run.serve)
app.command()(run.worker)
app.command()(run.beat)
app.command()(simulator.simulator)
app.command(hidden=True)(catalogs.catalogs)
app.command(hidden=True)(docs.docs)
app.command(hidden=True)(flows.flows)
app.command(hidden=True)(conversation.conversation)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
