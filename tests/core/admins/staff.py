"""An admin with an authenticator app, for stories."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, urlsplit

from core.admins.rules import Authenticator, step_at
from core.admins.usecases import SignedIn, add_admin, sign_in
from core.clock import Clock
from core.db.tx import Database

EMAIL = "wanjiku@nafasi.example"
PASSWORD = "seven halls in Nakuru"


@dataclass
class Staff:
    """What somebody of ours knows and holds."""

    email: str
    password: str
    codes: Authenticator
    clock: Clock

    @classmethod
    def join(cls, database: Database, email: str = EMAIL) -> Self:
        """Make an account, and scan the key of its codes."""
        address = database.run(lambda tx: add_admin(tx, email, PASSWORD))
        return cls(email, PASSWORD, app_with(address), database.clock)

    def code(self, steps: int = 0) -> str:
        """What the app shows, or showed so many steps ago (or will)."""
        return self.codes.code(step_at(self.clock.now()) + steps)

    def words(self, **other: str) -> dict[str, str]:
        """What is typed to sign in."""
        return {"email": self.email, "password": self.password, "code": self.code(), **other}

    def signs_in(self, database: Database, **other: str) -> SignedIn | None:
        """Sign in at the core."""
        return database.run(lambda tx: sign_in(tx, **self.words(**other)))


def app_with(address: str) -> Authenticator:
    """An app that has scanned an address."""
    return Authenticator(parse_qs(urlsplit(address).query)["secret"][0])
