"""Telling Daraja where payments by paybill (C2B) are reported."""

from channels.daraja.answers import is_zero, not_taken
from channels.daraja.client import DarajaClient
from core.ports.providers import ProviderError

PATH = "/mpesa/c2b/v2/registerurl"


def register_c2b_urls(client: DarajaClient) -> bool:
    """Register our validation and confirmation addresses for the collecting paybill.

    ``Completed`` lets money in when our validation does not answer in time: an unmatched payment
    is found again in suspense, a refused customer is not. In production this works once; to
    change it, the addresses are first deleted in the operator's portal.

    Returns:
        True when they were registered, False when there were some already.

    Raises:
        ProviderError: Daraja did not take them.
    """
    body = {
        "ShortCode": client.config.shortcode,
        "ResponseType": "Completed",
        "ConfirmationURL": client.config.callback_url("c2b", "confirmation"),
        "ValidationURL": client.config.callback_url("c2b", "validation"),
    }
    try:
        said = client.ask(PATH, body)
    except ProviderError as error:
        if error.code == "already_registered":
            return False
        raise
    if not is_zero(said):
        raise not_taken(said, unknown=False)
    return True
