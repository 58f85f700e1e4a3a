"""Admins sign in, go on and sign out: a short access token and a refresh token that rotates."""

import hashlib
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from core.admins import usecases
from core.admins.rules import known_as
from core.admins.usecases import SignedIn
from core.limits import (
    ADMIN_ACCESS_SECONDS,
    ADMIN_PASSWORD_MAX,
    ADMIN_REFRESH_LEEWAY_SECONDS,
    EMAIL_MAX,
)
from web.api.access import Access
from web.api.envelope import (
    PREFIX,
    RESPONSES,
    SIGNED_IN_RESPONSES,
    Bounded,
    NotSignedIn,
    Success,
    unkept,
)
from web.api.quota import SIGN_INS, SIGN_INS_PER_EMAIL, Quota
from web.parts import Parts

TOKEN_MAX = 200
CODE_MAX = 16


class SignIn(BaseModel):
    """Who somebody is, shown in three ways."""

    email: Annotated[str, Field(max_length=EMAIL_MAX)]
    password: Annotated[str, Field(max_length=ADMIN_PASSWORD_MAX)]
    code: Annotated[str, Field(max_length=CODE_MAX, description="Six digits of the app.")]


class Held(BaseModel):
    """The refresh token that somebody holds."""

    refresh_token: Annotated[str, Field(max_length=TOKEN_MAX)]


class Tokens(BaseModel):
    """What a page of ours holds while somebody is signed in."""

    access_token: str = Field(description="Sent as `Authorization: Bearer …`.")
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- RFC 6750's name of the kind.
    expires_in: int = Field(default=ADMIN_ACCESS_SECONDS, description="Seconds.")
    refresh_token: str = Field(
        description="Good for one refresh, for seven days. Used again within "
        f"{ADMIN_REFRESH_LEEWAY_SECONDS} seconds, it gets the same next one; later it ends the "
        "session."
    )


def sign_in_routes(parts: Parts) -> APIRouter:
    """Return the addresses for signing in and out."""
    database, redis_url = parts.database, parts.settings.redis_url
    access = Access(parts.settings, database)
    per_email = Quota(redis_url, "sign-in-email", SIGN_INS_PER_EMAIL)
    router = APIRouter(
        prefix=f"{PREFIX}/auth",
        tags=["sign-in"],
        dependencies=[Depends(Quota(redis_url, "sign-in", SIGN_INS)), Depends(unkept)],
        responses={**RESPONSES, **SIGNED_IN_RESPONSES},
        route_class=Bounded,
    )

    def tokens(found: SignedIn | None, otherwise: str) -> Success[Tokens]:
        if found is None:
            raise NotSignedIn(otherwise)
        now = database.clock.now()
        given = Tokens(access_token=access.token(found, now), refresh_token=found.refresh_token)
        return Success(data=given, timestamp=now)

    @router.post("/sign-in")
    def sign_in(said: SignIn) -> Success[Tokens]:
        """Sign in with password and code; a code counts once.

        Whatever is wrong is answered alike (`wrong_sign_in`). Five wrong tries lock the account
        for a quarter of an hour.
        """
        per_email.count(hashlib.sha256(known_as(said.email).encode()).hexdigest())
        found = database.run(
            partial(usecases.sign_in, email=said.email, password=said.password, code=said.code)
        )
        return tokens(found, "wrong_sign_in")

    @router.post("/refresh")
    def refresh(held: Held) -> Success[Tokens]:
        """Change a refresh token for the next one and a new access token."""
        found = database.run(partial(usecases.refresh, token=held.refresh_token))
        return tokens(found, "not_signed_in")

    @router.post("/sign-out")
    def sign_out(held: Held) -> Success[None]:
        """End the session of a refresh token; the same answer when there is none."""
        database.run(partial(usecases.sign_out, token=held.refresh_token))
        return Success(data=None, timestamp=database.clock.now())

    return router
