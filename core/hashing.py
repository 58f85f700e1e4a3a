"""What may be kept of a secret that a person types.

Argon2id with OWASP's smallest recommended cost (19 MiB, two passes, one lane): a check takes some
20 ms.
"""

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hashed(secret: str) -> str:
    """Return the hash of a secret, with its salt."""
    return _HASHER.hash(secret)


def is_hashed(kept: str, secret: str) -> bool:
    """Tell whether a secret is the one of ``hashed``."""
    try:
        return _HASHER.verify(kept, secret)
    except VerifyMismatchError:
        return False
