"""``nafasi etims``: setting up KRA's unit, and invoices that were refused."""

import sys
from typing import Annotated

import typer

from web.commands.setup import fail, load_settings, open_database, say

app = typer.Typer(no_args_is_help=True, help="KRA's electronic tax invoices.")


@app.command()
def init(
    serial: Annotated[str, typer.Option(help="The unit's serial number, as given by KRA.")],
) -> None:
    """Ask KRA for the unit's key, once, and print it: it becomes NAFASI_ETIMS_CMC_KEY."""
    from channels.etims.registrar import EtimsRegistrar, etims_config
    from core.ports.providers import ProviderError

    registrar = EtimsRegistrar(etims_config(load_settings()))
    try:
        sys.stdout.write(f"{registrar.initialise(serial)}\n")
    except ProviderError as error:
        fail(f"KRA gave no key: {error}.")
    finally:
        registrar.close()


@app.command()
def items() -> None:
    """Make what we sell known to KRA; needed once, and after a change of the class."""
    from channels.etims.registrar import EtimsRegistrar, etims_config
    from core.ports.providers import ProviderError

    registrar = EtimsRegistrar(etims_config(load_settings()))
    try:
        registrar.save_items()
    except ProviderError as error:
        fail(f"KRA did not take them: {error}.")
    finally:
        registrar.close()
    say.print("KRA knows what we sell.")


@app.command()
def retry(
    number: Annotated[int, typer.Argument(help="The invoice's number, as its case shows it.")],
) -> None:
    """Send a refused invoice once more; its case closes when it is taken."""
    from core.documents import etims
    from core.errors import Refused

    try:
        with open_database(load_settings()) as database:
            database.run(lambda tx: etims.retry(tx, number))
    except Refused as error:
        fail(f"Nothing was changed: {error}.")
    say.print(f"Invoice {number} is sent again.")
