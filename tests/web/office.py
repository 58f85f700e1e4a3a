"""An admin at the API, for stories."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from core.admins.model import Admin
from tests.core.admins.staff import Staff
from tests.web.rig import Web

API = "/api/v1"


@dataclass
class Office:
    """One admin's page: what it sends, and the tokens that it holds."""

    web: Web
    staff: Staff
    access: str = ""
    refresh_token: str = ""

    @classmethod
    def open(cls, web: Web) -> "Office":
        """Make an account and sign in."""
        office = cls(web, Staff.join(web.parts.database))
        office.sign_in()
        return office

    def sign_in(self) -> None:
        self.hold(self.post("/auth/sign-in", self.staff.words()))

    def sign_again(self) -> "Office":
        """Sign in anew, after a while."""
        self.sign_in()
        return self

    @property
    def admin_id(self) -> UUID:
        """Whose page it is."""
        with self.web.parts.database.transaction() as tx:
            return tx.db.scalars(select(Admin.id).where(Admin.email == self.staff.email)).one()

    def hold(self, answer: httpx.Response) -> None:
        """Take the tokens of an answer."""
        tokens = data(answer)
        self.access, self.refresh_token = tokens["access_token"], tokens["refresh_token"]

    def get(self, path: str) -> httpx.Response:
        return self.web.http.get(API + path, headers=self._headers())

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.web.http.post(API + path, json=body, headers=self._headers())

    def send(self, path: str, body: bytes) -> httpx.Response:
        """Post bytes as they are."""
        headers = self._headers() | {"content-type": "application/json"}
        return self.web.http.post(API + path, content=body, headers=headers)

    def refresh(self, token: str = "") -> httpx.Response:
        return self.post("/auth/refresh", {"refresh_token": token or self.refresh_token})

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access}"} if self.access else {}


def data(answer: httpx.Response) -> Any:
    """What an answer holds that is no refusal."""
    said = answer.json()
    assert (answer.status_code, said["success"]) == (200, True), answer.text
    assert answer.headers["cache-control"] == "no-store"
    return said["data"]


def refused(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of a refusal in the API's form."""
    said = answer.json()
    assert set(said) == {"success", "error", "timestamp"}, answer.text
    assert said["success"] is False
    assert said["error"]["message"]
    return answer.status_code, said["error"]["code"]
