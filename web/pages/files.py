"""Reading a form with one file in it, never keeping more than may be kept."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

# What a form adds around the file: names, borders, the other field.
FORM_MAX_BYTES = 64 * 1024
# A browser reads an answer when it has sent all it has: so much more is taken in and thrown away.
READ_OFF_MAX_BYTES = 24 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with a form.

    Attributes:
        fields: what was typed or chosen.
        body: the file's content; empty when there is none.
        too_big: it was longer than may be kept, and none of it was.
    """

    fields: Mapping[str, str]
    body: bytes = b""
    too_big: bool = False


def one_file(name: str, most_bytes: int) -> Callable[[Request], Awaitable[Sent]]:
    """Return what reads a form with one other field and a file of at most so many bytes.

    It answers 400 to what is no such form, and 413 to what is longer than is even thrown away.
    """

    async def read(request: Request) -> Sent:
        whole = await _whole(request, most_bytes + FORM_MAX_BYTES)
        if whole is None:
            return Sent({}, too_big=True)

        async def once() -> AsyncGenerator[bytes, None]:
            yield whole

        parser = MultiPartParser(request.headers, once(), max_files=1, max_fields=1)
        try:
            form = await parser.parse()
        except (MultiPartException, KeyError):
            raise HTTPException(400) from None
        try:
            file = form.get(name)
            body = await file.read() if isinstance(file, UploadFile) else b""
            fields = {key: text for key, text in form.items() if isinstance(text, str)}
            return Sent(fields, body, too_big=len(body) > most_bytes)
        finally:
            await form.close()

    return read


async def _whole(request: Request, most_bytes: int) -> bytes | None:
    """A request's body; None when it is longer."""
    pieces, size = [], 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > most_bytes + READ_OFF_MAX_BYTES:
                raise HTTPException(413)
            if size <= most_bytes:
                pieces.append(piece)
    except ClientDisconnect:
        raise HTTPException(400) from None
    return b"".join(pieces) if size <= most_bytes else None
