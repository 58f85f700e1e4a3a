"""Reading requests with a limit on their size."""

from urllib.parse import parse_qsl

from starlette.requests import Request

BODY_BYTES_MAX = 262_144
FIELDS_MAX = 50


class TooLarge(Exception):
    """The body is larger than any provider would take."""


async def read_body(request: Request) -> bytes:
    """The whole body; TooLarge past the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise TooLarge
    return bytes(body)


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form-encoded body. The last one wins; ValueError when there are too many."""
    return dict(
        parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    )
