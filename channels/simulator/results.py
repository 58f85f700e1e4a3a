"""The asynchronous result of B2C and TransactionStatus, and the wording of result codes.

Shapes are those of the Daraja portal, with their jitter: `ReferenceItem` is an object or
a list, `ResultCode` a number or text, and a failure still carries a TransactionID.
"""

from collections.abc import Mapping

from channels.simulator.daraja import Fields
from channels.simulator.faults import Fault, FaultKind, Service, is_fault
from channels.simulator.journal import Callback
from channels.simulator.state import World

REFERENCE_URL = "https://internalsandbox.safaricom.co.ke/mpesa/b2cresults/v1/submit"

RESULT_TEXTS = {
    "0": "The service request is processed successfully.",
    "1": "The balance is insufficient for the transaction.",
    "2": "The transaction amount is less than the minimum allowed.",
    "3": "The transaction amount is more than the maximum allowed.",
    "4": "The daily transaction limit would be passed.",
    "8": "The receiver's account would pass its maximum balance.",
    "17": "The rule limited the transaction.",
    "26": "Traffic blocking condition in place.",
    "1001": "Unable to lock subscriber, a transaction is already in process.",
    "1019": "Transaction has expired.",
    "1025": "An error occurred while sending a push request.",
    "1032": "Request cancelled by user",
    "1037": "DS timeout user cannot be reached",
    "2001": "The initiator information is invalid.",
    "2028": "The request is not permitted according to product assignment.",
    "2040": "Credit Party customer type is not supported.",
    "4999": "The transaction is still under processing",
    "8006": "The security credential is locked.",
    "R000001": "The transaction has already been reversed.",
    "R000002": "The OriginalTransactionID is invalid.",
}


def result_text(code: str) -> str:
    """What stands beside a code."""
    return RESULT_TEXTS.get(code, "The request failed.")


def code_value(world: World, code: str, what: str) -> int | str:
    """A result code as a number or as text, in turns. Codes with letters are always text."""
    if code.isdecimal() and world.jitter(what) == 0:
        return int(code)
    return code


def result_body(
    world: World,
    *,
    code: str,
    originator_conversation_id: str,
    conversation_id: str,
    transaction_id: str,
    parameters: list[dict[str, object]],
) -> dict[str, object]:
    """The `Result` envelope."""
    item: dict[str, object] = {"Key": "QueueTimeoutURL", "Value": REFERENCE_URL}
    result: dict[str, object] = {
        "ResultType": 0,
        "ResultCode": code_value(world, code, "result code"),
        "ResultDesc": result_text(code),
        "OriginatorConversationID": originator_conversation_id,
        "ConversationID": conversation_id,
        "TransactionID": transaction_id,
    }
    if parameters:
        result["ResultParameters"] = {"ResultParameter": parameters}
    result["ReferenceData"] = {
        "ReferenceItem": item if world.jitter("reference item") == 0 else [item]
    }
    return {"Result": result}


async def send_result(
    world: World,
    service: Service,
    fields: Fields,
    body: Mapping[str, object],
    fault: Fault | None,
) -> None:
    """Send the result, or after a time in the queue the request itself to QueueTimeOutURL.

    The echo is flat and holds the caller's credential, as production has been seen to do.
    """
    if is_fault(fault, FaultKind.QUEUE_TIMEOUT, FaultKind.QUEUE_TIMEOUT_PAID):
        echo = Callback(service, str(fields["QueueTimeOutURL"]), fields, "json")
        await world.callbacks.send(echo)
    else:
        await world.callbacks.send(
            Callback(service, str(fields["ResultURL"]), body, "json"), fault
        )
