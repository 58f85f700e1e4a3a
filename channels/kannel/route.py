"""Kannel as one of the SMS routes."""

from channels.kannel.messages import accept_report, accept_sms, read_report, read_sms
from channels.kannel.sms import PROVIDER, KannelSms
from channels.sms import SmsRoute
from core.settings import Settings


def open_sender(settings: Settings) -> KannelSms:
    """Return the sender of the settings' gateway."""
    secret = settings.callback_secret.get_secret_value()
    base = settings.public_url.rstrip("/")
    return KannelSms(
        settings.kannel_username,
        settings.kannel_password.get_secret_value(),
        settings.kannel_base_url,
        settings.kannel_sender,
        f"{base}/hooks/{PROVIDER}/{secret}/delivery-reports",
    )


KANNEL = SmsRoute(
    PROVIDER,
    open_sender,
    method="GET",
    accepts={"sms": accept_sms, "delivery-reports": accept_report},
    reads={"sms": read_sms, "delivery_report": read_report},
    # An empty answer: Kannel would send any other to the person.
    noted="",
)
