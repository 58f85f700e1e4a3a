"""Keeps what people type out of sight of whoever reads the store.

Some gateways bring only the last key, so that what was typed before must be kept and put before
it. It is sealed in a way that gives the same for the same (AES-SIV, RFC 5297): the store can tell
a repeated entry from another without knowing either.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

KEY_BYTES = 64


def derived(secret: str, purpose: bytes, size: int = KEY_BYTES) -> bytes:
    """Return a key of its own for a purpose (at most 16 bytes) from the application's secret."""
    return blake2b(secret.encode(), digest_size=size, person=purpose).digest()


class Sealing:
    """Seals short texts; an empty one stays empty.

    Args:
        key: of ``KEY_BYTES``.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def seal(self, text: str) -> str:
        """Return the same letters for the same text."""
        sealed = self._cipher.encrypt(text.encode(), None) if text else b""
        return urlsafe_b64encode(sealed).decode()

    def open(self, sealed: str) -> str:
        """Return the text of ``seal``; of what another key has sealed, nothing."""
        try:
            return self._cipher.decrypt(urlsafe_b64decode(sealed), None).decode() if sealed else ""
        except InvalidTag:
            return ""
