"""Access tokens: a quarter of an hour's proof of who asks, made and read by us alone.

HS256 (RFC 7519, with the advice of RFC 8725: one algorithm, its own key, issuer and audience
checked). Each request asks the database whether the session goes on, so that whoever is disabled
or signs out is out at once.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jwt.types import Options

from core.admins.queries import Caller, caller_of
from core.admins.usecases import SignedIn
from core.db.tx import Database
from core.limits import ADMIN_ACCESS_SECONDS
from core.settings import Settings
from sessions.sealing import derived
from web.api.envelope import NotSignedIn

ALGORITHM = "HS256"
KEY_BYTES = 32
ISSUER = "nafasi"
AUDIENCE = "nafasi-admin"
CLAIMS = ["sub", "sid", "iat", "exp", "iss", "aud"]

_bearer = HTTPBearer(
    auto_error=False, scheme_name="admin", bearerFormat="JWT", description="From `/auth/sign-in`."
)
Brought = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class Access:
    """Makes and reads access tokens.

    Args:
        settings: whose secret key the tokens' own key is derived from.
        database: knows which sessions go on.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._key = derived(settings.secret_key.get_secret_value(), b"admin-access", KEY_BYTES)
        self._database = database

    def token(self, signed_in: SignedIn, now: datetime) -> str:
        """Return a token for a session."""
        claims = {
            "sub": str(signed_in.admin_id),
            "sid": str(signed_in.session_id),
            "iat": now,
            "exp": now + timedelta(seconds=ADMIN_ACCESS_SECONDS),
            "iss": ISSUER,
            "aud": AUDIENCE,
        }
        return jwt.encode(claims, self._key, ALGORITHM)

    def __call__(self, brought: Brought) -> Caller:
        """Return who asks; raises NotSignedIn, with ``token_expired`` when only time is over."""
        if brought is None:
            raise NotSignedIn
        claims = self._claims(brought.credentials)
        with self._database.reading() as tx:
            if claims["exp"] <= tx.now.timestamp():
                raise NotSignedIn("token_expired")
            caller = caller_of(tx, UUID(claims["sid"]))
        if caller is None:
            raise NotSignedIn
        return caller

    def _claims(self, token: str) -> dict[str, Any]:
        # Time is told by our clock, which PyJWT does not know.
        timeless: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={**timeless, "require": CLAIMS},
            )
        except jwt.InvalidTokenError:
            raise NotSignedIn from None
        return claims
