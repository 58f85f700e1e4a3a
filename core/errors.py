"""What can be refused, each with a stable code and data; words and HTTP codes belong elsewhere.

NafasiError
├── Refused            a rule says no; the caller is told and nothing has changed
│   ├── BadInput       what was typed cannot be meant
│   ├── NotFound       no such thing, or not this person's
│   ├── IllegalMove    the lifecycle has no such step from here
│   ├── NoUnits        somebody else has the last unit
│   └── KeyReused      an idempotency key came again with another content
├── Unposted           the ledger refused a transfer
└── ProviderError      an outside system did not do what we asked (core.ports.providers)
"""

from typing import Any


class NafasiError(Exception):
    """The root.

    Attributes:
        code: stable, lower case, with underscores; catalogs and HTTP map from it.
        data: values that the sentence for a person needs.
    """

    code = "error"

    def __init__(self, code: str | None = None, **data: Any) -> None:
        self.code = code or type(self).code
        self.data = data
        super().__init__(f"{self.code} {data}" if data else self.code)


class Refused(NafasiError):
    """A rule says no."""

    code = "refused"


class BadInput(Refused):
    """What was typed cannot be meant."""

    code = "bad_input"


class NotFound(Refused):
    """No such thing, or it belongs to somebody else."""

    code = "not_found"


class IllegalMove(Refused):
    """The lifecycle has no such step from this state."""

    code = "illegal_move"


class NoUnits(Refused):
    """Not enough units are free."""

    code = "no_units"


class KeyReused(Refused):
    """The same idempotency key came with other content."""

    code = "key_reused"


class Unposted(NafasiError):
    """The ledger refused a transfer: unbalanced, an unknown account or below its limit."""

    code = "unposted"
