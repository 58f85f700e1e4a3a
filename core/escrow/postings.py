"""Which accounts move when: the table of DESIGN §6 as pure functions over values.

Keys make a provider's reference count once in each direction: whatever comes in under one receipt
shares the key ``in:<provider>:<reference>``, so that a receipt which was credited to a booking can
never also land in suspense (invariant I8). What goes out has ``out:<provider>:<reference>``, with
our own id of the attempt as the reference.
"""

from collections.abc import Iterable
from uuid import UUID

from core.errors import Unposted
from core.escrow import accounts
from core.escrow.transfer import Leg, Transfer, TransferKind
from core.money import Money
from core.pricing.rules import Price
from core.pricing.shares import Shares, left_after


def incoming_key(provider: str, reference: str) -> str:
    """Return the key of money that a provider says it received for us."""
    return f"in:{provider}:{reference}"


def outgoing_key(provider: str, reference: str) -> str:
    """Return the key of money that we asked a provider to send."""
    return f"out:{provider}:{reference}"


def set_aside_key(receipt_id: UUID) -> str:
    """Return the key under which a receipt's money leaves escrow unused, once."""
    return f"set_aside:{receipt_id}"


def paid(
    code: str,
    provider: str,
    amount: Money,
    *,
    reference: str,
    booking_id: UUID,
    spare: Money | None = None,
) -> Transfer:
    """A customer's money arrives for a booking and waits in escrow.

    Args:
        code: the booking's code.
        provider: who received it (``daraja``).
        amount: what is taken for the booking; a part of the total when it is paid in parts.
        reference: the provider's receipt, seen once.
        booking_id: the booking.
        spare: what came beyond that, under the same receipt; it is kept apart.
    """
    legs: tuple[Leg, ...] = _move(
        amount, debit=accounts.float_of(provider), credit=accounts.escrow(code)
    )
    if spare is not None and spare.cents:
        whole = Leg(accounts.float_of(provider), amount + spare)
        legs = (whole, legs[1], Leg(accounts.suspense(provider), -spare))
    return Transfer(incoming_key(provider, reference), TransferKind.PAID, legs, booking_id)


def released(
    code: str,
    vendor_number: int,
    price: Price,
    *,
    booking_id: UUID,
    refunded: Iterable[Money] = (),
) -> Transfer:
    """The service is done: escrow is shared out. A booking is released once.

    Args:
        code: the booking's code.
        vendor_number: whose payable grows.
        price: as it was frozen into the booking.
        booking_id: the booking.
        refunded: what has gone back or is on its way, in order; it is not shared out.
    """
    return Transfer(
        f"released:{code}",
        TransferKind.RELEASED,
        _shared_out(code, vendor_number, left_after(price, refunded)),
        booking_id,
    )


def retained(
    code: str,
    vendor_number: int,
    price: Price,
    *,
    booking_id: UUID,
    refunded: Iterable[Money] = (),
) -> Transfer:
    """A paid booking was cancelled: what does not go back is shared out as a release would."""
    return Transfer(
        f"retained:{code}",
        TransferKind.RETAINED,
        _shared_out(code, vendor_number, left_after(price, refunded)),
        booking_id,
    )


def paid_out(
    vendor_number: int,
    provider: str,
    amount: Money,
    *,
    reference: str,
    provider_fee: Money | None = None,
) -> Transfer:
    """A payout reached its vendor; the provider's charge, if it took one, is ours.

    Args:
        vendor_number: who was paid.
        provider: who sent it.
        amount: what the vendor got.
        reference: our own id of the attempt.
        provider_fee: what the provider took from our float beside it.
    """
    legs: tuple[Leg, ...] = _move(
        amount, debit=accounts.payable(vendor_number), credit=accounts.float_of(provider)
    )
    if provider_fee is not None and provider_fee.cents:
        legs += _move(
            provider_fee, debit=accounts.PROVIDER_FEES, credit=accounts.float_of(provider)
        )
    return Transfer(outgoing_key(provider, reference), TransferKind.PAID_OUT, legs)


def paid_back(vendor_number: int, provider: str, amount: Money, *, reference: str) -> Transfer:
    """A payout that had reached its vendor came back: it is owed again.

    Args:
        vendor_number: whose payable grows again.
        provider: whose account the money is in again.
        amount: what came back.
        reference: the provider's name of the return, seen once.
    """
    return Transfer(
        incoming_key(provider, reference),
        TransferKind.PAID_BACK,
        _move(amount, debit=accounts.float_of(provider), credit=accounts.payable(vendor_number)),
    )


def charged(provider: str, amount: Money, *, reference: str) -> Transfer:
    """A provider took its charge from our float; ``reference`` names the payment it is for."""
    return Transfer(
        outgoing_key(provider, reference),
        TransferKind.CHARGED,
        _move(amount, debit=accounts.PROVIDER_FEES, credit=accounts.float_of(provider)),
    )


def returned(
    code: str, provider: str, amount: Money, *, reference: str, booking_id: UUID
) -> Transfer:
    """Money held for a booking went back to its customer."""
    return Transfer(
        outgoing_key(provider, reference),
        TransferKind.RETURNED,
        _move(amount, debit=accounts.escrow(code), credit=accounts.float_of(provider)),
        booking_id,
    )


def refund_back(
    code: str, provider: str, amount: Money, *, reference: str, booking_id: UUID
) -> Transfer:
    """A refund that had reached its customer came back: it is the booking's again."""
    return Transfer(
        incoming_key(provider, reference),
        TransferKind.CAME_BACK,
        _move(amount, debit=accounts.float_of(provider), credit=accounts.escrow(code)),
        booking_id,
    )


def sent_again(
    code: str, provider: str, amount: Money, *, reference: str, booking_id: UUID
) -> Transfer:
    """A refund that had come back went to its customer once more; it has its credit note."""
    return Transfer(
        outgoing_key(provider, reference),
        TransferKind.SENT_AGAIN,
        _move(amount, debit=accounts.escrow(code), credit=accounts.float_of(provider)),
        booking_id,
    )


def suspended(provider: str, amount: Money, reference: str) -> Transfer:
    """Money came that fits nothing we know; it is kept apart under the provider's receipt."""
    return Transfer(
        incoming_key(provider, reference),
        TransferKind.SUSPENDED,
        _move(amount, debit=accounts.float_of(provider), credit=accounts.suspense(provider)),
    )


def matched(
    code: str, provider: str, amount: Money, *, reference: str, booking_id: UUID
) -> Transfer:
    """Money in suspense turned out to be for a booking. ``reference`` is the receipt it had."""
    return Transfer(
        f"matched:{provider}:{reference}",
        TransferKind.MATCHED,
        _move(amount, debit=accounts.suspense(provider), credit=accounts.escrow(code)),
        booking_id,
    )


def set_aside(
    code: str, provider: str, amount: Money, *, receipt_id: UUID, booking_id: UUID
) -> Transfer:
    """The rest of a price did not come: what had come goes back, so it waits in suspense.

    Our own id of the receipt names it: the provider's number may be learned later.
    """
    return Transfer(
        set_aside_key(receipt_id),
        TransferKind.SET_ASIDE,
        _move(amount, debit=accounts.escrow(code), credit=accounts.suspense(provider)),
        booking_id,
    )


def sent_back(provider: str, amount: Money, *, reference: str) -> Transfer:
    """Money in suspense went back to whoever sent it; ``reference`` is our id of the attempt."""
    return Transfer(
        outgoing_key(provider, reference),
        TransferKind.SENT_BACK,
        _move(amount, debit=accounts.suspense(provider), credit=accounts.float_of(provider)),
    )


def return_back(provider: str, amount: Money, *, reference: str) -> Transfer:
    """Money that had gone back from suspense came to us again."""
    return Transfer(
        incoming_key(provider, reference),
        TransferKind.CAME_BACK,
        _move(amount, debit=accounts.float_of(provider), credit=accounts.suspense(provider)),
    )


def tax_paid(account: str, provider: str, amount: Money, *, reference: str) -> Transfer:
    """Tax that was held went to the authority, out of what lies with a provider or the bank."""
    return Transfer(
        outgoing_key(provider, reference),
        TransferKind.TAX_PAID,
        _move(amount, debit=account, credit=accounts.float_of(provider)),
    )


def _shared_out(code: str, vendor_number: int, shares: Shares) -> tuple[Leg, ...]:
    owed = (
        (accounts.payable(vendor_number), shares.vendor_net),
        (accounts.SERVICE_FEE, shares.service_fee),
        (accounts.COMMISSION, shares.commission),
        (accounts.VAT, shares.vat),
        (accounts.WITHHOLDING, shares.withholding),
        (accounts.ROUNDING, shares.rounding),
    )
    legs = (Leg(account, -amount) for account, amount in owed if amount.cents)
    return (Leg(accounts.escrow(code), shares.total), *legs)


def _move(amount: Money, *, debit: str, credit: str) -> tuple[Leg, Leg]:
    if amount.cents <= 0:
        raise Unposted(reason="not_positive", account=debit)
    return Leg(debit, amount), Leg(credit, -amount)
