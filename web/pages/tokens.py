"""Pages that are opened by a link which only one phone was sent."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, HTTPException

from core.errors import NotFound

# Nobody should find by searching what was sent to one phone.
PRIVATE = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex, nofollow"}

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def _sane(token: str) -> str:
    """Refuse what was never a token, before anybody looks for it."""
    if not _TOKEN.fullmatch(token):
        raise HTTPException(404)
    return token


def _sane_photo(photo: str) -> str:
    return _sane(photo)


Token = Annotated[str, Depends(_sane)]
PhotoToken = Annotated[str, Depends(_sane_photo)]


@contextmanager
def or_404() -> Iterator[None]:
    """Say of what is not there that there is no such page."""
    try:
        yield
    except NotFound:
        raise HTTPException(404) from None
