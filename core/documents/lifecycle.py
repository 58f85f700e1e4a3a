"""The life of an invoice on its way to the tax authority. Pure.

There is no state for "perhaps recorded": the number makes an invoice itself, so one whose answer
was lost is sent again, and the authority says that it has it already.
"""

from enum import StrEnum

from core.lifecycle import Lifecycle


class InvoiceState(StrEnum):
    """Where an invoice stands."""

    WAITING = "waiting"
    SENDING = "sending"
    REGISTERED = "registered"
    REFUSED = "refused"
    """The authority will not have it as it is: a person must look."""


class InvoiceEvent(StrEnum):
    """What can happen to an invoice."""

    SEND = "send"
    REGISTER = "register"
    POSTPONE = "postpone"
    REFUSE = "refuse"
    RETRY = "retry"


TABLE = (
    (InvoiceEvent.SEND, InvoiceState.WAITING, InvoiceState.SENDING),
    # Its worker died: the lease has run out.
    (InvoiceEvent.SEND, InvoiceState.SENDING, InvoiceState.SENDING),
    (InvoiceEvent.REGISTER, InvoiceState.SENDING, InvoiceState.REGISTERED),
    (InvoiceEvent.POSTPONE, InvoiceState.SENDING, InvoiceState.WAITING),
    (InvoiceEvent.REFUSE, InvoiceState.SENDING, InvoiceState.REFUSED),
    # A person has found out why and wants it sent once more.
    (InvoiceEvent.RETRY, InvoiceState.REFUSED, InvoiceState.WAITING),
)

LIFECYCLE = Lifecycle(InvoiceState, TABLE)
