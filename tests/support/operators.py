"""Operators and aggregators as they call us: the same phone, four ways over the wire.

A ``Wire`` turns what a person has dialled and typed into one gateway's request, and its answer
back into ``CON`` or ``END`` and the screen.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

import httpx

CODE = "*384*7781#"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request: how, with what query, and with what body."""

    method: str
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Wire(Protocol):
    """How one gateway calls.

    Attributes:
        tells_hops_apart: a repeated hop can be told from the same key pressed again.
    """

    name: str
    tells_hops_apart: bool

    def hop(self, session: str, msisdn: str, dialled: str, keys: Sequence[str]) -> Call:
        """The hop that ends with the last key; the first one when there is none."""

    def end(self, session: str, msisdn: str) -> Call | None:
        """The word that a conversation is over, of gateways that call the same address."""

    def shown(self, answer: httpx.Response) -> str:
        """What the phone shows, as ``CON screen`` or ``END screen``."""


def _dialled(dialled: str) -> str:
    return f"{CODE[:-1]}*{dialled}#" if dialled else CODE


class AfricasTalking:
    """A form with everything typed so far."""

    name = "africastalking"
    tells_hops_apart = True

    def hop(self, session: str, msisdn: str, dialled: str, keys: Sequence[str]) -> Call:
        form = {
            "sessionId": session,
            "phoneNumber": msisdn,
            "networkCode": "63902",
            "serviceCode": CODE,
            "text": "*".join([dialled, *keys] if dialled else keys),
        }
        return Call("POST", body=urlencode(form).encode(), headers=FORM)

    def end(self, session: str, msisdn: str) -> Call | None:
        return None

    def shown(self, answer: httpx.Response) -> str:
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        return answer.text


class Safaricom:
    """A query with everything typed so far, a part of the code inside it."""

    name = "safaricom"
    tells_hops_apart = True

    def hop(self, session: str, msisdn: str, dialled: str, keys: Sequence[str]) -> Call:
        head, _, tail = CODE.strip("*#").partition("*")
        typed = [tail, dialled, *keys] if dialled else [tail, *keys]
        query = {
            "ORIG": msisdn.removeprefix("+"),
            "DEST": head,
            "SESSION_ID": session,
            "USSD_PARAMS": "*".join(typed),
        }
        return Call("GET", query)

    def end(self, session: str, msisdn: str) -> Call | None:
        return None

    def shown(self, answer: httpx.Response) -> str:
        return answer.text


class Hubtel:
    """JSON with the last key and the number of the hop."""

    name = "hubtel"
    tells_hops_apart = True

    def hop(self, session: str, msisdn: str, dialled: str, keys: Sequence[str]) -> Call:
        message = keys[-1] if keys else _dialled(dialled)
        kind = "Response" if keys else "Initiation"
        return self._call(session, msisdn, Type=kind, Message=message, Sequence=len(keys) + 1)

    def end(self, session: str, msisdn: str) -> Call | None:
        return self._call(session, msisdn, Type="Release", Message="", Sequence=9)

    def _call(self, session: str, msisdn: str, **more: Any) -> Call:
        said = {
            "Mobile": msisdn.removeprefix("+"),
            "SessionId": session,
            "ServiceCode": "384*7781",
            "Operator": "Safaricom",
            "ClientState": "",
            **more,
        }
        headers = {"content-type": "application/json"}
        return Call("POST", body=json.dumps(said).encode(), headers=headers)

    def shown(self, answer: httpx.Response) -> str:
        said = answer.json()
        return {"Response": "CON ", "Release": "END "}[said["Type"]] + str(said["Message"])


class Airtel:
    """A query with the last key and nothing that counts."""

    name = "airtel"
    tells_hops_apart = False

    def hop(self, session: str, msisdn: str, dialled: str, keys: Sequence[str]) -> Call:
        typed = keys[-1] if keys else _dialled(dialled).strip("*#")
        number = msisdn.removeprefix("+")
        return Call("GET", {"SessionID": session, "MSISDN": number, "MSC": "m1", "input": typed})

    def end(self, session: str, msisdn: str) -> Call | None:
        number = msisdn.removeprefix("+")
        query = {"SessionID": session, "msisdn": number, "clean": "clean-session", "error": "522"}
        return Call("GET", query)

    def shown(self, answer: httpx.Response) -> str:
        return {"FC": "CON ", "FB": "END "}[answer.headers["freeflow"]] + answer.text


WIRES: tuple[Wire, ...] = (AfricasTalking(), Safaricom(), Hubtel(), Airtel())
