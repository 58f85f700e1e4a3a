"""Field encryption for what must be stored but not read by whoever sees the database."""

import json
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, MultiFernet


class Vault:
    """Seals small JSON values with the first key, opens with any.

    Args:
        keys: Fernet keys (32 bytes, URL-safe base64), newest first; old ones stay for opening
            until everything has been sealed again.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, value: Any) -> bytes:
        """Return the encrypted JSON of a value."""
        return self._fernet.encrypt(json.dumps(value).encode())

    def seal_bytes(self, body: bytes) -> bytes:
        """Return a file encrypted."""
        return self._fernet.encrypt(body)

    def open_bytes(self, sealed: bytes) -> bytes:
        """Return the file of ``seal_bytes``; raises as ``open``."""
        return self._fernet.decrypt(sealed)

    def open(self, sealed: bytes) -> Any:
        """Return a sealed value; raises cryptography.fernet.InvalidToken for foreign bytes."""
        return json.loads(self._fernet.decrypt(sealed))
