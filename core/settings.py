"""Settings from the environment, prefix ``NAFASI_``; the one list of what can be configured.

``.env.example`` is generated from this class. A value ``X`` may also be given as the file that
holds it, ``NAFASI_X_FILE`` (container secrets). Local defaults let ``nafasi up`` run with nothing
set; ``production`` refuses to start on them.
"""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import NafasiError

PREFIX = "NAFASI_"
# Known to everybody who reads this file, therefore refused in production.
SECRET_MIN = 24
LOCAL_SECRET = "local-only"  # noqa: S105
LOCAL_VAULT_KEY = "bmFmYXNpLWxvY2FsLW9ubHktMzItYnl0ZXMta2V5ISE="


# A PIN of the Kenya Revenue Authority: a letter, nine digits, a letter.
KRA_PIN = re.compile(r"[A-Z]\d{9}[A-Z]", re.ASCII)


# A list such as ``africastalking=20,kannel=10``; nothing is one too.
NAMED_NUMBERS = r"^([a-z]+=[0-9]{1,9}(,[a-z]+=[0-9]{1,9})*)?$"


def named_numbers(text: str) -> dict[str, int]:
    """Return what a setting of the form of ``NAMED_NUMBERS`` says, by name."""
    pairs = (pair.split("=") for pair in text.split(",") if pair)
    return {name: int(number) for name, number in pairs}


class Environment(StrEnum):
    """Where it runs."""

    LOCAL = "local"
    TEST = "test"
    PRODUCTION = "production"


class BadSettings(NafasiError):
    """The settings cannot be used; ``data["problems"]`` says why, a sentence each."""

    code = "bad_settings"


def _secret(default: str, about: str) -> Any:
    return Field(default=SecretStr(default), description=about)


class Settings(BaseSettings):
    """What can be configured; frozen."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    env: Environment = Field(
        default=Environment.LOCAL, description="local, test or production. Production is strict."
    )
    database_url: str = Field(
        default="postgresql+psycopg://postgres@127.0.0.1:5432/nafasi",
        description="PostgreSQL 15 to 18 with btree_gist, pg_trgm, unaccent, cube, earthdistance.",
    )
    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0", description="Redis 7.0 or later, or Valkey."
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="Where providers reach us: https in production, without a slash at the end.",
    )
    callback_secret: SecretStr = _secret(
        LOCAL_SECRET, "Part of every callback URL; long, random, never logged."
    )
    secret_key: SecretStr = _secret(LOCAL_SECRET, "Signs cookies and tokens; long and random.")
    vault_keys: SecretStr = _secret(
        LOCAL_VAULT_KEY,
        "Fernet keys that seal payout details and ids, newest first, parted by commas.",
    )
    ussd_code: str = Field(default="*384*7781#", description="What customers dial.")
    languages: str = Field(
        default="en,sw",
        pattern="^(en|sw|ki)(,(en|sw|ki))*$",
        description="Languages that the menu offers, parted by commas. ki (Kikuyu) is a draft: "
        "what is not translated is shown in English.",
    )
    ussd_gateways: str = Field(
        default="africastalking",
        description="Who may bring us calls, parted by commas: africastalking, hubtel (a gateway "
        "of that shape), safaricom, airtel. Each has its address /hooks/NAME/SECRET/ussd.",
    )
    company_name: str = Field(
        default="Nafasi", description="The legal name that receipts are issued under."
    )
    company_pin: str = Field(
        default="", description="The company's KRA PIN, as receipts show it: P051234567Q."
    )
    help_phone: str = Field(
        default="+254700000099", description="The number that HELP names, for people."
    )
    journal_folder: str = Field(
        default="",
        description="Folder on this machine's disk in which callbacks wait while the database is "
        "away; web processes of one machine share it. Empty takes one of the local trial's.",
    )
    database_pool_size: int = Field(
        default=20, ge=2, le=100, description="Connections and threads of one web process."
    )
    turn_threads: int = Field(
        default=4,
        ge=1,
        le=100,
        description="Turns of one web process that may use the database at once; more wait in "
        "line, a yes before a screen. A few per core: beyond that they only slow each other down.",
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    metrics_token: SecretStr = _secret(
        "", "Bearer token that /metrics asks for; empty leaves it open to the internal network."
    )
    sentry_dsn: SecretStr = _secret("", "Error reports go here; empty sends none.")

    africastalking_base_url: str = Field(
        default="https://api.africastalking.com", description="Africa's Talking, or a simulator."
    )
    africastalking_username: str = Field(
        default="sandbox", description="The application's username."
    )
    africastalking_api_key: SecretStr = _secret(LOCAL_SECRET, "The application's API key.")
    africastalking_sender_id: str = Field(
        default="NAFASI", description="Registered alphanumeric sender, or the short code."
    )
    africastalking_shortcode: str = Field(
        default="20384", description="Where people send SMS to us."
    )

    sms_routes: str = Field(
        default="africastalking",
        description="Who sends our messages, the preferred one first, parted by commas: "
        "africastalking, twilio, kannel. The next one takes what the one before could not.",
    )
    sms_rates: str = Field(
        default="africastalking=20,twilio=20,kannel=20",
        pattern=NAMED_NUMBERS,
        description="Messages a second that each route takes, from all workers together. A route "
        "that is not named is not held back.",
    )
    sms_prices: str = Field(
        default="africastalking=80",
        pattern=NAMED_NUMBERS,
        description="Cents that each route takes for a segment, as an estimate until it has told "
        "what a message costs.",
    )
    twilio_base_url: str = Field(
        default="https://api.twilio.com", description="Twilio, or a simulator."
    )
    twilio_account_sid: str = Field(default="", description="The account's SID.")
    twilio_auth_token: SecretStr = _secret(
        LOCAL_SECRET, "The account's token; it signs Twilio's callbacks too."
    )
    twilio_sender: str = Field(default="NAFASI", description="A number or name of ours there.")
    kannel_base_url: str = Field(
        default="http://127.0.0.1:13013", description="Where Kannel's sms box listens."
    )
    kannel_username: str = Field(default="nafasi", description="Its sendsms user.")
    kannel_password: SecretStr = _secret(LOCAL_SECRET, "That user's password.")
    kannel_sender: str = Field(
        default="NAFASI", description="The short code or name it sends from."
    )

    airtel_userid: str = Field(
        default="", description="User that Airtel's calls carry, when one was agreed."
    )
    airtel_password: SecretStr = _secret("", "That user's password.")

    daraja_base_url: str = Field(
        default="https://api.safaricom.co.ke", description="Daraja, its sandbox, or a simulator."
    )
    daraja_consumer_key: SecretStr = _secret(LOCAL_SECRET, "The Daraja app's consumer key.")
    daraja_consumer_secret: SecretStr = _secret(LOCAL_SECRET, "The Daraja app's secret.")
    daraja_shortcode: str = Field(default="600123", description="The paybill customers pay to.")
    daraja_passkey: SecretStr = _secret(LOCAL_SECRET, "Lipa na M-Pesa passkey of the paybill.")
    daraja_b2c_shortcode: str = Field(
        default="600124", description="The shortcode that payouts are sent from."
    )
    daraja_initiator_name: str = Field(
        default="payoutapi", description="API operator of the B2C shortcode."
    )
    daraja_initiator_password: SecretStr = _secret(LOCAL_SECRET, "That operator's password.")
    daraja_certificate: str = Field(
        default="",
        description="M-Pesa's public certificate (PEM) that seals the operator's password; "
        "empty takes the simulator's.",
    )
    take_back: str = Field(
        default="",
        description="Whose payments are taken back (M-Pesa: Transaction Reversal) when all of one "
        "goes back; empty sends the money instead. daraja needs the role on the paybill.",
    )
    daraja_callback_ips: str = Field(
        default="",
        description="Addresses that Daraja's callbacks may come from, parted by commas; `any` "
        "lets all in. Known to be Safaricom's: 196.201.214.200,196.201.214.206,196.201.214.207,"
        "196.201.214.208,196.201.213.114,196.201.213.44,196.201.212.127,196.201.212.138,"
        "196.201.212.129,196.201.212.136,196.201.212.74,196.201.212.69.",
    )
    flutterwave_enabled: bool = Field(
        default=False, description="Use Flutterwave when Daraja is down, and for bank payouts."
    )
    flutterwave_base_url: str = Field(
        default="https://api.flutterwave.com/v3", description="Flutterwave, or a simulator."
    )
    flutterwave_secret_key: SecretStr = _secret(LOCAL_SECRET, "The account's secret key.")
    flutterwave_secret_hash: SecretStr = _secret(
        LOCAL_SECRET, "The secret hash that its webhooks carry; long and random."
    )
    flutterwave_email_domain: str = Field(
        default="guest.example",
        description="A domain of ours: each charge needs an e-mail, which people who dial lack.",
    )
    etims_enabled: bool = Field(
        default=False, description="Tell KRA's eTIMS of each receipt and credit note."
    )
    etims_base_url: str = Field(
        default="https://etims-api.kra.go.ke/etims-api", description="eTIMS OSCU, or a simulator."
    )
    etims_branch: str = Field(default="00", description="KRA's number of our branch.")
    etims_cmc_key: SecretStr = _secret(
        LOCAL_SECRET, "The device's communication key; `nafasi etims init` asks KRA for it."
    )
    etims_item_class: str = Field(
        default="90111800", description="KRA's class of what we sell, from its code list."
    )
    simulator_url: str = Field(
        default="", description="The simulators' address; set by `nafasi up`, never in production."
    )

    @classmethod
    def load(cls) -> Self:
        """Read the environment, ``*_FILE`` variants included.

        Raises:
            BadSettings: production was asked for and something is missing or left at a default.
        """
        from_files = {
            name: Path(os.environ[f"{PREFIX}{name.upper()}_FILE"]).read_text().strip()
            for name in cls.model_fields
            if f"{PREFIX}{name.upper()}_FILE" in os.environ
        }
        return cls(**from_files)  # type: ignore[arg-type]  # pydantic reads the words.

    @property
    def local(self) -> bool:
        """Whether trials (simulators, a movable clock, demo data) are allowed."""
        return self.env is not Environment.PRODUCTION

    @model_validator(mode="after")
    def _strict_in_production(self) -> Self:
        if self.env is Environment.PRODUCTION and (problems := self._problems()):
            raise BadSettings(problems=problems)
        return self

    def _problems(self) -> list[str]:
        """Say what keeps these settings out of production."""
        switches = {
            "flutterwave_": self.flutterwave_enabled,
            "etims_": self.etims_enabled,
            "twilio_": "twilio" in self.sms_routes,
            "kannel_": "kannel" in self.sms_routes,
        }
        idle = tuple(prefix for prefix, wanted in switches.items() if not wanted)
        secrets = {
            name: value.get_secret_value()
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), SecretStr) and not name.startswith(idle)
        }
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        addresses = ["public_url", "africastalking_base_url", "daraja_base_url"]
        random = ["callback_secret", "secret_key"]
        own = ["database_url", "redis_url"]
        if self.flutterwave_enabled:
            addresses.append("flutterwave_base_url")
            random.append("flutterwave_secret_hash")
            own.append("flutterwave_email_domain")
        if self.etims_enabled:
            addresses.append("etims_base_url")
        found = [
            (name, "is left at its local default")
            for name, value in secrets.items()
            if value in {LOCAL_SECRET, LOCAL_VAULT_KEY}
        ]
        found += [
            (name, f"has fewer than {SECRET_MIN} characters")
            for name in random
            if len(secrets[name]) < SECRET_MIN and secrets[name] != LOCAL_SECRET
        ]
        found += [
            (name, "is left at its local default")
            for name in own
            if getattr(self, name) == defaults[name]
        ]
        found += [
            (name, "is not https")
            for name in addresses
            if not getattr(self, name).startswith("https://")
        ]
        if self.simulator_url:
            found.append(("simulator_url", "is set"))
        found += [
            (name, "is missing")
            for name in ("daraja_certificate", "daraja_callback_ips", "journal_folder")
            if not getattr(self, name)
        ]
        if self.etims_enabled and not KRA_PIN.fullmatch(self.company_pin):
            found.append(("company_pin", "is no KRA PIN"))
        return [f"{PREFIX}{name.upper()} {problem}" for name, problem in found]
