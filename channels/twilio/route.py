"""Twilio as one of the SMS routes."""

from channels.sms import SmsRoute
from channels.twilio.messages import accept_report, accept_sms, read_report, read_sms
from channels.twilio.sms import PROVIDER, TwilioSms
from core.settings import Settings


def open_sender(settings: Settings) -> TwilioSms:
    """Return the sender of the settings' account."""
    secret = settings.callback_secret.get_secret_value()
    base = settings.public_url.rstrip("/")
    return TwilioSms(
        settings.twilio_account_sid,
        settings.twilio_auth_token.get_secret_value(),
        settings.twilio_base_url,
        settings.twilio_sender,
        f"{base}/hooks/{PROVIDER}/{secret}/delivery-reports",
    )


TWILIO = SmsRoute(
    PROVIDER,
    open_sender,
    accepts={"sms": accept_sms, "delivery-reports": accept_report},
    reads={"sms": read_sms, "delivery_report": read_report},
    # An empty document of theirs: anything else would be sent to the person as an answer.
    noted="<Response/>",
)
