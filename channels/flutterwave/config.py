"""What Flutterwave must be told: who we are there, and where it shall call us back."""

import hashlib
import hmac
from dataclasses import dataclass, field

ALIAS_HEX = 20


@dataclass(frozen=True, slots=True)
class FlutterwaveConfig:
    """The settings of one Flutterwave account.

    Attributes:
        base_url: ``https://api.flutterwave.com/v3``, or a simulator.
        secret_key: of the account; goes with every request.
        email_domain: a domain of ours. A charge needs an e-mail and people who dial have none.
        webhook_url: where outcomes are told.
        pages_url: where our pages for cards are; a page's token follows.
        charges_per_second: asked of one process; the provider publishes no limits.
    """

    base_url: str
    secret_key: str = field(repr=False)
    email_domain: str
    webhook_url: str = field(repr=False)
    pages_url: str = ""
    charges_per_second: float = 5.0
    transfers_per_second: float = 5.0
    questions_per_second: float = 5.0

    def alias(self, msisdn: str) -> str:
        """Return the e-mail that stands for a person: always the same, telling no number."""
        digest = hmac.new(self.secret_key.encode(), msisdn.encode(), hashlib.sha256).hexdigest()
        return f"guest-{digest[:ALIAS_HEX]}@{self.email_domain}"
