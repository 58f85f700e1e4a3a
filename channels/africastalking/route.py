"""Africa's Talking as one of the SMS routes. Its callbacks have forms of their own in web."""

from channels.africastalking.form import PROVIDER
from channels.africastalking.sms import AfricasTalkingSms
from channels.sms import SmsRoute
from core.settings import Settings


def open_sender(settings: Settings) -> AfricasTalkingSms:
    """Return the sender of the settings' application."""
    return AfricasTalkingSms(
        settings.africastalking_username,
        settings.africastalking_api_key.get_secret_value(),
        settings.africastalking_base_url,
        settings.africastalking_sender_id,
    )


AFRICASTALKING = SmsRoute(PROVIDER, open_sender)
