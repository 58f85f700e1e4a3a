"""``nafasi simulator``: the providers' simulators as a process of their own."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.commands.setup import fail, load_settings

if TYPE_CHECKING:
    from channels.simulator.config import SimulatorConfig
    from core.settings import Settings

KEY_NAME = "simulator-key.pem"
CERTIFICATE_NAME = "simulator-certificate.pem"


def simulator(
    host: Annotated[str, typer.Option(help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its port.")] = 8001,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps the key and its certificate; else a fresh key."),
    ] = None,
) -> None:
    """Run the simulated providers and phones. Not in production."""
    from channels.simulator.serve import run
    from sessions.gsm7 import segments, septets

    settings = load_settings()
    if not settings.local:
        fail("Simulators do not belong into production.")
    key = make_key_pair(data)[0].read_bytes() if data else None
    run(
        simulator_config(settings, key),
        host,
        port,
        measure=lambda text: {"septets": septets(text), "segments": segments(text)},
    )


def simulator_config(settings: "Settings", private_key_pem: bytes | None) -> "SimulatorConfig":
    """Return what the providers' portals would know about us, from our own settings."""
    from channels.simulator.config import SimulatorConfig

    return SimulatorConfig(
        callback_secret=settings.callback_secret.get_secret_value(),
        callback_base=settings.public_url,
        username=settings.africastalking_username,
        api_key=settings.africastalking_api_key.get_secret_value(),
        sender_id=settings.africastalking_sender_id,
        sms_shortcode=settings.africastalking_shortcode,
        ussd_code=settings.ussd_code,
        twilio_sid=settings.twilio_account_sid,
        twilio_token=settings.twilio_auth_token.get_secret_value(),
        kannel_username=settings.kannel_username,
        kannel_password=settings.kannel_password.get_secret_value(),
        consumer_key=settings.daraja_consumer_key.get_secret_value(),
        consumer_secret=settings.daraja_consumer_secret.get_secret_value(),
        shortcode=settings.daraja_shortcode,
        passkey=settings.daraja_passkey.get_secret_value(),
        b2c_shortcode=settings.daraja_b2c_shortcode,
        initiator_name=settings.daraja_initiator_name,
        initiator_password=settings.daraja_initiator_password.get_secret_value(),
        flutterwave_key=settings.flutterwave_secret_key.get_secret_value(),
        flutterwave_hash=settings.flutterwave_secret_hash.get_secret_value(),
        etims_pin=settings.company_pin,
        etims_branch=settings.etims_branch,
        etims_key=settings.etims_cmc_key.get_secret_value(),
        private_key_pem=private_key_pem,
    )


def make_key_pair(folder: Path) -> tuple[Path, Path]:
    """Return the files of a key and its certificate, made on the first run.

    Kept, so that a simulator that is started again can still open what was sealed for it.
    """
    from channels.simulator.credentials import (
        certificate_pem,
        load_private_key,
        new_private_key_pem,
    )
    from core.clock import SystemClock

    key_file, certificate_file = folder / KEY_NAME, folder / CERTIFICATE_NAME
    if not key_file.exists():
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(new_private_key_pem())
    key = load_private_key(key_file.read_bytes())
    certificate_file.write_bytes(certificate_pem(key, SystemClock().now()))
    return key_file, certificate_file
