"""How every request of an operator begins and is answered: the outcome comes by callback.

TransactionStatus, Account Balance and Reversal name the operator, a command, one of our shortcodes
with the kind of its identifier, a remark and two addresses (Daraja portal). B2C spells some of
these differently and has its own opening; its answer is the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from channels.simulator.daraja import Fields, address, initiator_code, invalid, remarks, text
from channels.simulator.faults import Fault, FaultKind, is_fault
from channels.simulator.state import World

SHORTCODE_TYPE = "4"

Process = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Order:
    """A request that was taken.

    Attributes:
        initiator: the operator's name.
        credential: their sealed password.
        shortcode: the organisation's, one that there is.
        conversation: Daraja's id of it.
        originator: the id that Daraja makes up where the caller names none.
    """

    initiator: str
    credential: str
    shortcode: str
    conversation: str
    originator: str

    def operator_code(self, world: World) -> str:
        """What becomes of the operator: ``0``, or the result code of a refusal."""
        return initiator_code(world, self.initiator, self.credential)

    def answer(self) -> dict[str, object]:
        """The answer to the request itself."""
        return accepted(self.conversation, self.originator)


def take_order(
    world: World,
    fields: Fields,
    command: str,
    party: str = "PartyA",
    identifier: tuple[str, str] = ("IdentifierType", SHORTCODE_TYPE),
) -> Order:
    """Check what all of these requests hold; refuses by the name of the first wrong field.

    Args:
        world: the simulator's.
        fields: the request.
        command: the one ``CommandID`` that is right.
        party: the field that names the shortcode.
        identifier: the field that says what sort of party it is, and the right value.
    """
    initiator, credential = text(fields, "Initiator"), text(fields, "SecurityCredential")
    if text(fields, "CommandID") != command:
        raise invalid("CommandID")
    shortcode = text(fields, party)
    if shortcode not in world.books.organisations:
        raise invalid(party)
    name, right = identifier
    if text(fields, name) != right:
        raise invalid(name)
    remarks(fields, "Remarks")
    address(fields, "ResultURL")
    address(fields, "QueueTimeOutURL")
    return Order(
        initiator,
        credential,
        shortcode,
        conversation=world.references.conversation(world.now()),
        originator=f"{world.references.hex(4)}-{world.references.hex(8)}-1",
    )


async def now_or_later(world: World, process: Process, fault: Fault | None) -> None:
    """Run the processing before the answer goes out if so ordered, else in the background."""
    if is_fault(fault, FaultKind.CALLBACK_BEFORE_ANSWER):
        await process()
        return

    async def work() -> None:
        await asyncio.sleep(world.waits.result_seconds)
        await process()

    world.tasks.start(work())


def accepted(conversation_id: str, originator_conversation_id: str) -> dict[str, object]:
    """The answer to a request whose outcome comes by callback."""
    return {
        "ConversationID": conversation_id,
        "OriginatorConversationID": originator_conversation_id,
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }
