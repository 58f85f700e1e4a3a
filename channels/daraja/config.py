"""What Daraja must be told: who we are there, and where it shall call us back."""

from dataclasses import dataclass, field
from uuid import UUID

# Daraja silently drops callbacks to addresses with these words in them (provider-facts §2.2).
BANNED_WORDS = ("mpesa", "m-pesa", "safaricom", "exe", "cmd", "sql", "query")


@dataclass(frozen=True, slots=True)
class DarajaConfig:
    """The settings of one Daraja application.

    Attributes:
        base_url: ``https://api.safaricom.co.ke``, the sandbox, or a simulator.
        shortcode: the paybill that collects.
        passkey: of its STK push.
        b2c_shortcode: the account that pays out.
        initiator_name: the API operator of the paying account, with its password.
        certificate: Safaricom's X.509 certificate of the environment: PEM text, or DER in base64.
        public_url: where Daraja reaches us, without a slash at the end.
        callback_secret: the unguessable part of every callback address.
        pushes_per_second: asked of one process; Daraja publishes no limits (provider-facts §2.4).
    """

    base_url: str
    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    shortcode: str
    passkey: str = field(repr=False)
    b2c_shortcode: str
    initiator_name: str
    initiator_password: str = field(repr=False)
    certificate: str = field(repr=False)
    public_url: str
    callback_secret: str = field(repr=False)
    pushes_per_second: float = 5.0
    payouts_per_second: float = 5.0
    questions_per_second: float = 2.0

    @property
    def accounts(self) -> tuple[str, ...]:
        """Our shortcodes, the one that pays out first."""
        return tuple(dict.fromkeys((self.b2c_shortcode, self.shortcode)))

    def __post_init__(self) -> None:
        address = f"{self.public_url}/{self.callback_secret}".lower()
        for banned in BANNED_WORDS:
            if banned in address:
                raise ValueError(f"Daraja refuses callback addresses that contain {banned!r}")

    def callback_url(self, *parts: str | UUID) -> str:
        """Return the address of one callback: ``{public_url}/hooks/daraja/{secret}/...``."""
        path = "/".join(str(part) for part in parts)
        return f"{self.public_url.rstrip('/')}/hooks/daraja/{self.callback_secret}/{path}"
