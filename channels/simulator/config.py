"""What a simulator is told at its start: credentials, codes, callback addresses and waits.

Every wait is a number of seconds, so that a demo feels like a
phone network and a test takes milliseconds.
"""

from dataclasses import dataclass, field, fields

WAIT_SECONDS_MAX = 86_400.0
"""No wait may be longer than a day."""

DEMO_PHONES = tuple(f"+2547000000{index:02d}" for index in range(1, 7))
"""Phones that are shown before anybody has dialled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """How long things take, in seconds. The defaults are those of the real networks."""

    prompt_delivery_seconds: float = 1.0
    """From the accepted STK push to the prompt on the phone."""
    prompt_seconds: float = 60.0
    """How long a prompt waits for a PIN before it is given up."""
    auto_approve_seconds: float = 2.0
    """How long the automatic customer needs, when prompts are not asked."""
    callback_seconds: float = 0.5
    """From an outcome to its callback."""
    result_seconds: float = 1.0
    """From an accepted B2C or status request to its processing."""
    report_seconds: float = 0.5
    """From one delivery status of an SMS to the next."""
    retry_seconds: float = 10.0
    """Between two tries of an SMS callback that was not answered with 200."""
    lock_seconds: float = 60.0
    """A subscriber with an open transaction is locked for so long at most."""
    same_amount_seconds: float = 120.0
    """Paying the same amount again earlier than this is code 17."""
    token_seconds: float = 3599.0
    """Life of an access token."""
    ussd_answer_seconds: float = 15.0
    """How long the network waits for the application's screen."""
    ussd_idle_seconds: float = 60.0
    """How long the network waits for the person."""
    ussd_session_seconds: float = 180.0
    """How long one USSD session may live."""
    ussd_release_seconds: float = 1.0
    """The radio session is open for so long after the last screen."""
    validation_seconds: float = 8.0
    """How long C2B validation waits for an answer."""
    callback_answer_seconds: float = 10.0
    """How long a callback waits for its answer."""

    def __post_init__(self) -> None:
        for item in fields(self):
            seconds = getattr(self, item.name)
            if not 0 <= seconds <= WAIT_SECONDS_MAX:
                raise ValueError(f"{item.name} must be between 0 and {WAIT_SECONDS_MAX:.0f}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatorConfig:
    """Everything that a provider's portal would know about us. Amounts are integer cents."""

    callback_secret: str = field(repr=False)
    callback_base: str = "http://127.0.0.1:8000"
    """Where our application listens, without a slash at the end."""

    username: str = "nafasi"
    api_key: str = field(default="simulator-api-key", repr=False)
    sender_id: str = "NAFASI"
    sms_shortcode: str = "20384"
    ussd_code: str = "*384*7781#"
    africastalking_balance_cents: int = 10_000_000

    twilio_sid: str = "AC00000000000000000000000000000000"
    twilio_token: str = field(default="simulator-auth-token", repr=False)
    kannel_username: str = "nafasi"
    kannel_password: str = field(default="simulator-sendsms", repr=False)

    consumer_key: str = field(default="simulator-consumer-key", repr=False)
    consumer_secret: str = field(default="simulator-consumer-secret", repr=False)
    shortcode: str = "600123"
    till_number: str | None = None
    passkey: str = field(default="simulator-passkey", repr=False)
    business_name: str = "NAFASI"
    b2c_shortcode: str = "600124"
    initiator_name: str = "payoutapi"
    initiator_password: str = field(default="Simulator-2026", repr=False)
    private_key_pem: bytes | None = field(default=None, repr=False)
    """Key behind the security credential; one is made at the start if there is none."""
    utility_opening_cents: int = 500_000_000
    wallet_opening_cents: int = 20_000_000
    c2b_validation: bool = True
    stk_raises_c2b: bool = False
    """A registered paybill may confirm an STK payment a second time, as C2B."""
    register_urls_once: bool = False
    """Production takes C2B addresses one time only."""

    flutterwave_key: str = field(default="simulator-secret-key", repr=False)
    flutterwave_hash: str = field(default="simulator-secret-hash", repr=False)
    flutterwave_opening_cents: int = 100_000_000

    etims_pin: str = "P051234567Q"
    etims_branch: str = "00"
    etims_serial: str = "NAFASI0001"
    etims_key: str = field(default="simulator-cmc-key", repr=False)

    stk: str = "ask"
    """`ask` waits for a person; any outcome of a prompt is taken by itself."""
    type_jitter: bool = True
    """Vary types where the provider does: numbers as strings, one object in place of a list."""
    phones: tuple[str, ...] = DEMO_PHONES
    seed: int | None = None
    """Fixes ids and receipts. None takes the machine's randomness, so that a restart repeats no
    receipt."""
    waits: Waits = Waits()

    def africastalking_url(self, kind: str) -> str:
        """Address of our Africa's Talking callback, e.g. `ussd` or `delivery-reports`."""
        return self.sms_url("africastalking", kind)

    def sms_url(self, route: str, kind: str) -> str:
        """Address of our callbacks of an SMS route: `sms` or `delivery-reports`."""
        return f"{self.callback_base.rstrip('/')}/hooks/{route}/{self.callback_secret}/{kind}"

    def ussd_url(self, operator: str) -> str:
        """Address to which an operator or aggregator brings hops."""
        return f"{self.callback_base.rstrip('/')}/hooks/{operator}/{self.callback_secret}/ussd"

    def flutterwave_url(self) -> str:
        """Address of our Flutterwave webhook, as its dashboard would know it."""
        base = self.callback_base.rstrip("/")
        return f"{base}/hooks/flutterwave/{self.callback_secret}/webhook"

    def c2b_url(self, kind: str) -> str:
        """Address used for C2B while nothing is registered: `validation` or `confirmation`."""
        return f"{self.callback_base.rstrip('/')}/hooks/daraja/{self.callback_secret}/c2b/{kind}"
