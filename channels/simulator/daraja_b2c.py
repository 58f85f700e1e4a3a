"""B2C: the business pays a person, and asks later what became of it.

`POST /mpesa/b2c/v3/paymentrequest` and `POST /mpesa/transactionstatus/v1/query` (Daraja portal,
B2C and TransactionStatus). OriginatorConversationID is the idempotency key: a second request with
it is refused with 500.002.1001, whatever the first one came to. What TransactionStatus says of an
id that it does not know is not documented; here the outer result code is 2032.
"""

import re

from starlette.routing import Route

from channels.simulator.daraja import (
    Fields,
    Refusal,
    address,
    endpoint,
    initiator_code,
    invalid,
    remarks,
    shillings,
    subscriber,
    text,
)
from channels.simulator.daraja_operator import accepted, now_or_later, take_order
from channels.simulator.faults import Fault, FaultKind, Service, is_fault
from channels.simulator.phones import TRANSACTION_CENTS_MAX
from channels.simulator.references import daraja_stamp, dotted_stamp
from channels.simulator.results import result_body, send_result
from channels.simulator.state import PAYOUTS_MAX, Payout, Transaction, World, remember

PAYOUT_CENTS_MIN = 1_000
B2C_COMMANDS = ("SalaryPayment", "BusinessPayment", "PromotionPayment")
CHARGES = ((10_000, 0), (150_000, 500), (500_000, 900), (2_000_000, 1_100))
"""Up to so many cents, so many cents of charge (Safaricom's tariff of 2023)."""
CHARGE_CENTS_MAX = 1_300
UNKNOWN_TRANSACTION = "2032"
NO_RECEIPT_SUFFIX = "0000000"

_CONVERSATION = re.compile(r"[A-Za-z0-9_-]{1,36}")


def routes(world: World) -> list[Route]:
    """The payment and the question about it."""
    return [
        endpoint(world, "/mpesa/b2c/v3/paymentrequest", Service.B2C, pay),
        endpoint(world, "/mpesa/transactionstatus/v1/query", Service.STATUS, status),
    ]


def charge_cents(amount_cents: int) -> int:
    """What Safaricom takes from the business for a payout."""
    fitting = (charge for limit, charge in CHARGES if amount_cents <= limit)
    return next(fitting, CHARGE_CENTS_MAX)


async def pay(world: World, fields: Fields, fault: Fault | None) -> dict[str, object]:
    """Take a payout, and process it in the background."""
    originator = text(fields, "OriginatorConversationID")
    if not _CONVERSATION.fullmatch(originator):
        raise invalid("OriginatorConversationID")
    initiator, credential = text(fields, "InitiatorName"), text(fields, "SecurityCredential")
    if text(fields, "CommandID") not in B2C_COMMANDS:
        raise invalid("CommandID")
    payout = Payout(
        originator_conversation_id=originator,
        conversation_id=world.references.conversation(world.now()),
        phone=subscriber(fields, "PartyB"),
        amount_cents=shillings(fields) * 100,
        at=world.now(),
    )
    shortcode = text(fields, "PartyA")
    remarks(fields, "Remarks")
    # The doubled letter is Daraja's; a field under any other name is not seen.
    text(fields, "Occassion", optional=True)
    address(fields, "ResultURL")
    address(fields, "QueueTimeOutURL")
    if originator in world.books.payouts:
        raise Refusal(500, "500.002.1001", "Duplicate OriginatorConversationID")
    remember(world.books.payouts, originator, payout, PAYOUTS_MAX)

    async def process() -> None:
        code = _decide(world, payout, shortcode, initiator, credential, fault)
        body = _result(world, payout, code)
        await send_result(world, Service.B2C, fields, body, fault)

    await now_or_later(world, process, fault)
    return accepted(payout.conversation_id, originator)


def _decide(
    world: World,
    payout: Payout,
    shortcode: str,
    initiator: str,
    credential: str,
    fault: Fault | None,
) -> str:
    """The result code; the money has moved when it is `0`."""
    if is_fault(fault, FaultKind.QUEUE_TIMEOUT):
        payout.status = "Expired"
        return "1019"
    if fault is not None and fault.kind is FaultKind.INSIDER_CODE and fault.code != "0":
        code = fault.code or ""
    else:
        code = initiator_code(world, initiator, credential)
        if code == "0":
            code = _move(world, payout, shortcode)
    payout.status = "Completed" if code == "0" else "Declined"
    return code


def _move(world: World, payout: Payout, shortcode: str) -> str:
    if shortcode != world.config.b2c_shortcode:
        return "2028"
    if payout.amount_cents < PAYOUT_CENTS_MIN:
        return "2"
    if payout.amount_cents > TRANSACTION_CENTS_MAX:
        return "3"
    organisation = world.books.organisations[shortcode]
    if payout.amount_cents > organisation.utility_cents:
        return "1"
    code = world.books.phones.get(payout.phone).receive(payout.amount_cents, world.now())
    if code != "0":
        return code
    payout.charge_cents = charge_cents(payout.amount_cents)
    organisation.utility_cents -= payout.amount_cents
    organisation.charges_cents -= payout.charge_cents
    payout.receipt = world.new_receipt()
    world.record(
        Transaction(
            payout.receipt,
            "b2c",
            payout.phone,
            shortcode,
            payout.amount_cents,
            world.now(),
            payout.charge_cents,
        )
    )
    return "0"


def take_back(world: World, originator: str) -> str:
    """Safaricom reverses a payout, as it does on request; nobody is called back.

    The charge stays. Returns the receipt of the return. KeyError for an unknown payout, ValueError
    for one that never arrived.
    """
    payout = world.books.payouts[originator]
    if payout.status != "Completed" or payout.receipt is None:
        raise ValueError("only a payout that arrived can be reversed")
    payout.status = "Reversed"
    shortcode = world.config.b2c_shortcode
    world.books.organisations[shortcode].utility_cents += payout.amount_cents
    number = world.new_receipt()
    world.record(
        Transaction(
            number,
            "reversal",
            payout.phone,
            shortcode,
            payout.amount_cents,
            world.now(),
            reference=payout.receipt,
        )
    )
    return number


def _result(world: World, payout: Payout, code: str) -> dict[str, object]:
    parameters: list[dict[str, object]] = []
    if payout.receipt:
        organisation = world.books.organisations[world.config.b2c_shortcode]
        digits = payout.phone.removeprefix("+")
        parameters = _parameters(
            {
                "TransactionAmount": payout.amount_cents // 100,
                "TransactionReceipt": payout.receipt,
                "ReceiverPartyPublicName": f"{digits} - JANE VENDOR",
                "TransactionCompletedDateTime": dotted_stamp(world.now()),
                "B2CUtilityAccountAvailableFunds": _number(organisation.utility_cents),
                "B2CWorkingAccountAvailableFunds": _number(organisation.working_cents),
                "B2CRecipientIsRegisteredCustomer": "Y",
                "B2CChargesPaidAccountAvailableFunds": _number(organisation.charges_cents),
            }
        )
    return result_body(
        world,
        code=code,
        originator_conversation_id=payout.originator_conversation_id,
        conversation_id=payout.conversation_id,
        transaction_id=payout.receipt or _no_receipt(world),
        parameters=parameters,
    )


async def status(world: World, fields: Fields, fault: Fault | None) -> dict[str, object]:
    """Take a question about a payout (by our own id) or any receipt; the answer comes later."""
    order = take_order(world, fields, "TransactionStatusQuery")
    receipt = text(fields, "TransactionID", optional=True)
    original = text(fields, "OriginalConversationID", optional=True)
    if not receipt and not original:
        raise invalid("TransactionID")

    async def process() -> None:
        code = order.operator_code(world)
        parameters: list[dict[str, object]] = []
        if fault is not None and fault.kind is FaultKind.INSIDER_CODE:
            code = fault.code or ""
        elif code == "0":
            parameters = _status_parameters(world, receipt, original)
            code = "0" if parameters else UNKNOWN_TRANSACTION
        body = result_body(
            world,
            code=code,
            originator_conversation_id=order.originator,
            conversation_id=order.conversation,
            # The outer id is a dummy even when all is well, never a receipt.
            transaction_id=_no_receipt(world),
            parameters=parameters,
        )
        await send_result(world, Service.STATUS, fields, body, fault)

    await now_or_later(world, process, fault)
    return order.answer()


def _status_parameters(world: World, receipt: str, original: str) -> list[dict[str, object]]:
    """What is known of a payout or a receipt; empty when nothing is."""
    payout = world.books.payouts.get(original)
    found = world.books.transactions.get((payout.receipt or "") if payout else receipt)
    if payout is None and found is None:
        return []
    at = found.at if found else (payout.at if payout else world.now())
    amount_cents = found.amount_cents if found else (payout.amount_cents if payout else 0)
    phone = found.phone if found else (payout.phone if payout else "")
    person = f"{phone.removeprefix('+')} - JANE VENDOR"
    paid_out = payout is not None or (found is not None and found.kind == "b2c")
    shortcode = world.config.b2c_shortcode if paid_out else world.config.shortcode
    business = f"{shortcode} - {world.config.business_name}"
    charge = found.charge_cents if found else 0
    parameters: dict[str, object] = {
        "DebitPartyName": business if paid_out else person,
        "CreditPartyName": person if paid_out else business,
        "OriginatorConversationID": payout.originator_conversation_id if payout else "",
        "InitiatedTime": int(daraja_stamp(payout.at if payout else at)),
        "DebitAccountType": "Utility Account" if paid_out else "MMF Account For Customer",
        "DebitPartyCharges": f"Fee For B2C Payment|KES|{_number(charge):.2f}" if charge else "",
        "ReasonType": "Business Payment to Customer via API" if paid_out else "Pay Utility",
        "TransactionStatus": _status_word(payout, found),
        "FinalisedTime": int(daraja_stamp(at)),
        "Amount": f"{amount_cents // 100}.00",
        "ConversationID": payout.conversation_id if payout else "",
        "ReceiptNo": found.receipt if found else "",
    }
    # The reason comes as a key alone.
    return [*_parameters(parameters), {"Key": "TransactionReason"}]


def _status_word(payout: Payout | None, found: Transaction | None) -> str:
    if payout is not None:
        return payout.status
    return "Reversed" if found is not None and found.taken_back else "Completed"


def _parameters(values: dict[str, object]) -> list[dict[str, object]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def _no_receipt(world: World) -> str:
    """The TransactionID of something that has none."""
    return world.references.receipt(world.now())[:3] + NO_RECEIPT_SUFFIX


def _number(cents: int) -> float:
    """Cents as the decimal number that stands in Daraja's JSON; nothing is computed with it."""
    return float(f"{cents / 100:.2f}")
