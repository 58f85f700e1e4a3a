"""One authorised request to Daraja, with everything that may go wrong put into our errors."""

from collections.abc import Mapping
from typing import Any

import httpx
import redis

from channels.daraja.answers import accepted, is_token_refused, is_zero, not_taken
from channels.daraja.config import DarajaConfig
from channels.daraja.credential import security_credential
from channels.daraja.tokens import Tokens, bearer
from channels.http import Answer, Breaker, Pace, exchange, new_client
from core.ports.providers import ProviderError

# Identifies PartyA as a shortcode.
SHORTCODE_TYPE = "4"


class DarajaClient:
    """What the gateways share: connections, token, breaker, pace.

    Args:
        config: of the Daraja application.
        store: Redis, for the shared token.
        http: another client, for tests.
        token_prefix: of the token's key in Redis.
    """

    def __init__(
        self,
        config: DarajaConfig,
        store: redis.Redis,
        *,
        http: httpx.Client | None = None,
        breaker: Breaker | None = None,
        token_prefix: str = "nafasi:daraja",  # noqa: S107 -- a name in Redis, no token.
    ) -> None:
        self.config = config
        self.pushes = Pace(config.pushes_per_second)
        self.payouts = Pace(config.payouts_per_second)
        self.questions = Pace(config.questions_per_second)
        self._http = http or new_client(config.base_url)
        self._breaker = breaker or Breaker()
        self._tokens = Tokens(
            self._http,
            store,
            config.consumer_key,
            config.consumer_secret,
            prefix=token_prefix,
        )

    def send(self, path: str, body: Mapping[str, Any], pace: Pace) -> dict[str, Any]:
        """Post something that must not happen twice; return the JSON object of the answer.

        A refused token is replaced and the request replayed, once: Daraja does nothing for a
        caller that it does not know.

        Raises:
            ProviderError: by ``answers``; unknown when it may have been done.
        """
        pace.take()
        return self._breaker.run(lambda: self._post(path, body))

    def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post a question, which changes nothing: what would be unknown is only retryable.

        Raises:
            ProviderError: by ``answers``, never unknown except ``pending``.
        """
        try:
            return self.send(path, body, self.questions)
        except ProviderError as error:
            if not error.unknown or error.code == "pending":
                raise
            raise ProviderError(error.code, retryable=True, detail=error.data["detail"]) from error

    def ask_as_operator(self, path: str, command: str, body: Mapping[str, Any]) -> None:
        """Ask something in the operator's name; the answer is a callback.

        Raises:
            ProviderError: the question was not taken; by ``answers``.
        """
        said = self.ask(
            path,
            {
                "Initiator": self.config.initiator_name,
                "SecurityCredential": self.credential(),
                "CommandID": command,
                "IdentifierType": SHORTCODE_TYPE,
                **body,
            },
        )
        if not is_zero(said):
            raise not_taken(said, unknown=False)

    def credential(self) -> str:
        """Return what the operator shows instead of a password, another each time."""
        return security_credential(self.config.certificate, self.config.initiator_password)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        token = self._tokens.current()
        answer = self._exchange(path, body, token)
        if is_token_refused(answer):
            answer = self._exchange(path, body, self._tokens.replace(token))
        return accepted(answer)

    def _exchange(self, path: str, body: Mapping[str, Any], token: str) -> Answer:
        return exchange(self._http, "POST", path, headers=bearer(token), body=body)
