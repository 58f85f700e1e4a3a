"""How each operator and aggregator calls us for a hop, reads our answer and tells of an end.

The wire formats are those of channel-anchors §6.2 and §6.3. Africa's Talking and Safaricom repeat
all that was typed; a gateway of Hubtel's shape and Airtel bring the last key only. Safaricom puts
a part of the code among the parameters. Airtel and Hubtel call the same address to tell that a
call is over; Africa's Talking has an address for it; Safaricom says nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from channels.simulator.config import SimulatorConfig
from channels.simulator.journal import Callback, Entry
from core.networks import network_of

OK = 200
AFRICASTALKING = "africastalking"


@dataclass(frozen=True, slots=True)
class Hop:
    """What a phone's network knows when it calls us.

    Attributes:
        session: the gateway's name of the call.
        msisdn: E.164.
        code: our service code.
        network: the code of the phone's network.
        dialled: what was dialled behind our code.
        keys: what was typed since, the newest last.
    """

    session: str
    msisdn: str
    code: str
    network: str
    dialled: str = ""
    keys: Sequence[str] = ()

    @property
    def digits(self) -> str:
        """The number without its plus."""
        return self.msisdn.removeprefix("+")

    @property
    def whole_code(self) -> str:
        """The whole of what was dialled."""
        return f"{self.code[:-1]}*{self.dialled}#" if self.dialled else self.code

    @property
    def typed(self) -> str:
        """All that was dialled behind the code and typed, joined by stars."""
        return "*".join([self.dialled, *self.keys] if self.dialled else self.keys)


@dataclass(frozen=True, slots=True)
class Screen:
    """What our answer shows on the phone.

    Attributes:
        text: without what says whether the call goes on.
        final: the call is over.
        error: why the answer is no screen.
    """

    text: str = ""
    final: bool = True
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended, for those who are told."""

    status: str
    hops: int
    details: Mapping[str, object] = field(default_factory=dict)


class Operator(Protocol):
    """One way in which phones reach us.

    Attributes:
        name: as in our addresses.
        tells_hops_apart: a repeated hop can be told from the same key pressed again.
        starts_twice: the first hop of a call is sent a second time.
    """

    name: str
    tells_hops_apart: bool
    starts_twice: bool

    def hop(self, config: SimulatorConfig, hop: Hop) -> Callback:
        """The call that brings what was typed last."""

    def end(self, config: SimulatorConfig, hop: Hop, ended: Ended) -> Callback | None:
        """The call that tells of the end; None of those who say nothing."""

    def read(self, entry: Entry) -> Screen:
        """What an answer with status 200 shows."""


def screen_of(operator: Operator, entry: Entry) -> Screen:
    """What an answer shows, whatever it is."""
    if entry.status == 0:
        return Screen(error="no_answer")
    if entry.status != OK:
        return Screen(error=f"http_{entry.status}")
    return operator.read(entry)


def _marked(entry: Entry) -> Screen:
    if not entry.answer.startswith(("CON ", "END ")):
        return Screen(error="bad_prefix")
    return Screen(entry.answer[4:], entry.answer.startswith("END "))


class AfricasTalking:
    """A form with everything typed so far; an end has an address of its own."""

    name = AFRICASTALKING
    tells_hops_apart = True
    starts_twice = False

    def hop(self, config: SimulatorConfig, hop: Hop) -> Callback:
        """A form POST."""
        form: dict[str, object] = {
            "sessionId": hop.session,
            "phoneNumber": hop.msisdn,
            "networkCode": hop.network,
            "serviceCode": hop.code,
            "text": hop.typed,
        }
        return Callback("ussd", config.ussd_url(self.name), form, "form")

    def end(self, config: SimulatorConfig, hop: Hop, ended: Ended) -> Callback | None:
        """A form POST with what the call came to."""
        body: dict[str, object] = {
            "sessionId": hop.session,
            "serviceCode": hop.code,
            "networkCode": hop.network,
            "phoneNumber": hop.msisdn,
            "status": ended.status,
            "hopsCount": ended.hops,
            "input": hop.typed,
            **ended.details,
        }
        return Callback("events", config.africastalking_url("ussd-events"), body, "form")

    def read(self, entry: Entry) -> Screen:
        """Plain text behind CON or END."""
        return _marked(entry)


class Safaricom:
    """A query with everything typed so far, behind a part of the code; the start comes twice."""

    name = "safaricom"
    tells_hops_apart = True
    starts_twice = True

    def hop(self, config: SimulatorConfig, hop: Hop) -> Callback:
        """A GET."""
        head, _, tail = hop.code.strip("*#").partition("*")
        query: dict[str, object] = {
            "ORIG": hop.digits,
            "DEST": head,
            "SESSION_ID": hop.session,
            "USSD_PARAMS": "*".join(part for part in (tail, hop.typed) if part or hop.keys),
        }
        return Callback("ussd", config.ussd_url(self.name), query, "query")

    def end(self, config: SimulatorConfig, hop: Hop, ended: Ended) -> Callback | None:
        """Nothing."""

    def read(self, entry: Entry) -> Screen:
        """Plain text behind CON or END."""
        return _marked(entry)


class Hubtel:
    """JSON with the last key and the number of the hop."""

    name = "hubtel"
    tells_hops_apart = True
    starts_twice = False

    def hop(self, config: SimulatorConfig, hop: Hop) -> Callback:
        """A JSON POST: Initiation, then Response."""
        kind = "Response" if hop.keys else "Initiation"
        message = hop.keys[-1] if hop.keys else hop.whole_code
        return self._call(config, hop, kind, message, len(hop.keys) + 1)

    def end(self, config: SimulatorConfig, hop: Hop, ended: Ended) -> Callback | None:
        """A JSON POST: Release, or Timeout, with a number behind the last hop's."""
        if ended.status == "Success":
            return None  # We said ourselves that it is over.
        kind = "Timeout" if ended.details.get("errorMessage") else "Release"
        return self._call(config, hop, kind, "", ended.hops + 1)

    def _call(
        self, config: SimulatorConfig, hop: Hop, kind: str, message: str, number: int
    ) -> Callback:
        said: dict[str, object] = {
            "Mobile": hop.digits,
            "SessionId": hop.session,
            "ServiceCode": hop.code.strip("*#"),
            "Type": kind,
            "Message": message,
            "Operator": network_of(hop.network).name,
            "Sequence": number,
            "ClientState": "",
        }
        return Callback("ussd", config.ussd_url(self.name), said, "json")

    def read(self, entry: Entry) -> Screen:
        """JSON whose Type says whether the call goes on."""
        try:
            said = json.loads(entry.answer)
            final = {"Response": False, "Release": True}[said["Type"]]
            return Screen(str(said["Message"]), final)
        except (ValueError, KeyError, TypeError):
            return Screen(error="bad_json")


class Airtel:
    """A query with the last key and nothing that counts; a call that breaks off is cleaned up."""

    name = "airtel"
    tells_hops_apart = False
    starts_twice = False

    def hop(self, config: SimulatorConfig, hop: Hop) -> Callback:
        """A GET."""
        query: dict[str, object] = {
            "SessionID": hop.session,
            "MSISDN": hop.digits,
            "MSC": "msc1",
            "input": hop.keys[-1] if hop.keys else hop.whole_code.strip("*#"),
        }
        return Callback("ussd", config.ussd_url(self.name), query, "query")

    def end(self, config: SimulatorConfig, hop: Hop, ended: Ended) -> Callback | None:
        """A GET, when the call did not end by our last screen."""
        if ended.status == "Success":
            return None
        query: dict[str, object] = {
            "SessionID": hop.session,
            "msisdn": hop.digits,
            "clean": "clean-session",
            "error": "522",
        }
        return Callback("ussd", config.ussd_url(self.name), query, "query")

    def read(self, entry: Entry) -> Screen:
        """Plain text; a header says whether the call goes on."""
        flow = entry.answer_headers.get("freeflow", "")
        if flow not in {"FC", "FB"}:
            return Screen(error="bad_freeflow")
        return Screen(entry.answer, flow == "FB")


OPERATORS: Mapping[str, Operator] = {
    each.name: each for each in (AfricasTalking(), Safaricom(), Hubtel(), Airtel())
}
