"""Clients whose requests go over the simulated network instead of a wire."""

from io import BytesIO

import httpx
import requests
from requests.adapters import HTTPAdapter

from workers.simulate.network import Network

BASE = "http://127.0.0.1:1"


def http_client(network: Network, path: str) -> httpx.Client:
    """Return a client for a provider whose application is mounted at a path."""
    return httpx.Client(base_url=f"{BASE}{path}", transport=_Line(network), trust_env=False)


def session(network: Network) -> requests.Session:
    """Return a session for the adapter that speaks through requests."""
    made = requests.Session()
    made.trust_env = False
    made.mount(BASE, _SessionLine(network))
    return made


class _Line(httpx.BaseTransport):
    def __init__(self, network: Network) -> None:
        self._network = network

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        heard = self._network.carry(request.method, path, request.headers, request.read())
        return httpx.Response(heard.status, headers=heard.headers, content=heard.body)


class _SessionLine(HTTPAdapter):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network

    def send(
        self, request: requests.PreparedRequest, *_args: object, **_options: object
    ) -> requests.Response:
        sent = request.body or b""
        headers = {name: str(value) for name, value in request.headers.items()}
        try:
            heard = self._network.carry(
                request.method or "GET",
                request.path_url,
                headers,
                sent.encode() if isinstance(sent, str) else b"".join([sent]),  # type: ignore[list-item]
            )
        except httpx.ConnectError as error:
            raise requests.ConnectTimeout(request=request) from error
        except httpx.ReadTimeout as error:
            raise requests.ReadTimeout(request=request) from error
        response = requests.Response()
        response.status_code = heard.status
        response.headers.update((name.decode(), value.decode()) for name, value in heard.headers)
        response.raw = BytesIO(heard.body)
        response.request = request
        return response
