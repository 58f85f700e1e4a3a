"""A simulator and a receiving application, to be put under a real server each."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from channels.simulator.config import SimulatorConfig, Waits
from tests.support.serving import eventually

PHONE = "+254700000001"
MSISDN = "254700000001"
STAMP = "20260115093000"

SECRET = "0f1e2d3c"
QUICK = Waits(
    prompt_delivery_seconds=0,
    auto_approve_seconds=0,
    callback_seconds=0,
    result_seconds=0,
    report_seconds=0,
    retry_seconds=0.01,
    ussd_release_seconds=0,
)


@dataclass
class Heard:
    """One callback that our side got."""

    path: str
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return httpx.Response(200, content=self.body).json()


@dataclass
class Ours:
    """Stands where our application would: keeps what it hears and answers as told."""

    heard: list[Heard] = field(default_factory=list)
    answers: dict[str, list[Response]] = field(default_factory=dict)
    base: str = ""

    def app(self) -> ASGIApp:
        async def hear(request: Request) -> Response:
            body = await request.body()
            kind = request.headers.get("content-type", "")
            query = request.url.query
            self.heard.append(Heard(request.url.path, kind, body, dict(request.headers), query))
            for end, waiting in self.answers.items():
                if request.url.path.endswith(end) and waiting:
                    return waiting.pop(0)
            return Response(b'{"ResultCode":"0","ResultDesc":"Accepted"}')

        return Starlette(routes=[Route("/{path:path}", hear, methods=["POST", "GET"])])

    def clear(self) -> None:
        """Forget what was heard and told, also what was on its way when its sender was stopped."""
        # The server takes connections in order: behind two of ours nothing older is left.
        for _ in range(2):
            # Without certificates, as loading them takes longer than the rest of a test.
            with httpx.Client(trust_env=False, verify=False) as fence:
                fence.post(f"{self.base}/fence")
        self.heard.clear()
        self.answers.clear()

    def at(self, end: str) -> list[Heard]:
        """What came to paths with this end."""
        return [heard for heard in list(self.heard) if heard.path.endswith(end)]

    def wait(self, end: str, count: int = 1) -> list[Heard]:
        """Wait for so many callbacks to paths with this end."""
        return eventually(lambda: found if len(found := self.at(end)) >= count else None)

    def screens(self, *replies: str) -> None:
        """Answer the next USSD hops so."""
        texts = [Response(reply, media_type="text/plain") for reply in replies]
        self.answers["/ussd"] = texts

    def says(self, end: str, *answers: Response) -> None:
        """Answer the next callbacks to this path so."""
        self.answers[end] = list(answers)


@dataclass
class Simulator:
    """A client of one running simulator."""

    base: str
    config: SimulatorConfig
    ours: Ours
    http: httpx.Client

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the control API; POST when there is a body."""
        url = f"{self.base}/simulator/api{path}"
        answer = self.http.get(url) if body is None else self.http.post(url, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, service: str, fault: str, **more: Any) -> None:
        self.control("/faults", {"service": service, "fault": fault, **more})

    def sms(self, **fields: str) -> httpx.Response:
        form = {"username": self.config.username, "to": PHONE, "message": "Hello"} | fields
        return self.http.post(
            f"{self.base}/africastalking/version1/messaging",
            data=form,
            headers={"apiKey": self.config.api_key, "Accept": "application/json"},
        )

    def oauth(self, **auth: Any) -> httpx.Response:
        return self.http.get(
            f"{self.base}/daraja/oauth/v1/generate",
            params={"grant_type": "client_credentials"},
            auth=(self.config.consumer_key, self.config.consumer_secret),
            **auth,
        )

    def token(self) -> str:
        return str(self.oauth().json()["access_token"])

    def daraja(
        self, path: str, fields: dict[str, Any], token: str | None = None
    ) -> httpx.Response:
        bearer = token or self.token()
        return self.http.post(
            f"{self.base}/daraja{path}",
            json={name: value for name, value in fields.items() if value is not None},
            headers={"Authorization": f"Bearer {bearer}"},
        )

    def push_fields(self, **changes: Any) -> dict[str, Any]:
        raw = f"{self.config.shortcode}{self.config.passkey}{STAMP}"
        return {
            "BusinessShortCode": self.config.shortcode,
            "Password": base64.b64encode(raw.encode()).decode(),
            "Timestamp": STAMP,
            "TransactionType": "CustomerPayBillOnline",
            "Amount": 1500,
            "PartyA": MSISDN,
            "PartyB": self.config.shortcode,
            "PhoneNumber": MSISDN,
            "CallBackURL": f"{self.ours.base}/stk/a1",
            "AccountReference": "K7P4Q",
            "TransactionDesc": "Booking",
        } | changes

    def push(self, token: str | None = None, **changes: Any) -> httpx.Response:
        fields = self.push_fields(**changes)
        return self.daraja("/mpesa/stkpush/v1/processrequest", fields, token)

    def query(self, checkout: str) -> httpx.Response:
        names = ("BusinessShortCode", "Password", "Timestamp")
        fields = {name: self.push_fields()[name] for name in names}
        fields["CheckoutRequestID"] = checkout
        return self.daraja("/mpesa/stkpushquery/v1/query", fields)

    def prompt(self, phone: str = PHONE) -> dict[str, Any]:
        """The open prompt, as soon as there is one."""
        found = eventually(lambda: self.control(f"/stk?phone={phone}")["stk"] or None)
        return dict(found[-1])

    def settle(self, outcome: str) -> dict[str, Any]:
        return dict(self.control(f"/stk/{self.prompt()['id']}", {"outcome": outcome}))

    def credential(self, password: str | None = None) -> str:
        pem = self.http.get(f"{self.base}/simulator/certificate.pem").content
        key = x509.load_pem_x509_certificate(pem).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        plain = (password or self.config.initiator_password).encode()
        return base64.b64encode(key.encrypt(plain, padding.PKCS1v15())).decode()

    def payout_fields(self, **changes: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "OriginatorConversationID": "po-1",
            "InitiatorName": self.config.initiator_name,
            "SecurityCredential": self.credential(),
            "CommandID": "BusinessPayment",
            "Amount": 1350,
            "PartyA": self.config.b2c_shortcode,
            "PartyB": MSISDN,
            "Remarks": "Booking payout",
            "QueueTimeOutURL": f"{self.ours.base}/b2c/timeout",
            "ResultURL": f"{self.ours.base}/b2c/result",
            "Occassion": "K7P4Q",
        }
        return fields | changes

    def payout(self, **changes: Any) -> httpx.Response:
        return self.daraja("/mpesa/b2c/v3/paymentrequest", self.payout_fields(**changes))

    def status(self, **changes: Any) -> httpx.Response:
        fields = {
            "Initiator": self.config.initiator_name,
            "SecurityCredential": self.credential(),
            "CommandID": "TransactionStatusQuery",
            "PartyA": self.config.b2c_shortcode,
            "IdentifierType": "4",
            "ResultURL": f"{self.ours.base}/status/result",
            "QueueTimeOutURL": f"{self.ours.base}/status/timeout",
            "Remarks": "What became of it",
            "Occasion": "",
        } | changes
        return self.daraja("/mpesa/transactionstatus/v1/query", fields)

    def balance_cents(self, phone: str = PHONE) -> int:
        return int(self.control(f"/wallets?phone={phone}")["wallets"][0]["balance_cents"])
