"""The page behind a vendor's link: a form without script, sealed files, nothing for strangers."""

from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.db.tx import Database
from core.limits import PAPER_LINK_SECONDS, PAPER_MAX_BYTES, PAPERS_PER_LINK_MAX
from core.people.links import VendorPaper, new_link
from core.people.model import Vendor
from tests.support.factories import make_vendor
from tests.web.rig import Inside, Web
from web.pages.files import FORM_MAX_BYTES, READ_OFF_MAX_BYTES

PHOTO = b"\xff\xd8\xff\xe0" + b"not much of a photo" * 10
PAGE_BYTES_MAX = 4_000


@pytest.fixture
def vendor(database: Database) -> Vendor:
    return database.run(make_vendor)


@pytest.fixture
def link(database: Database, vendor: Vendor) -> str:
    return f"/v/{database.run(lambda tx: new_link(tx, vendor.id)).token}"


def send(web: Web, link: str, body: bytes = PHOTO, kind: str = "id_card") -> tuple[int, str]:
    files = {"paper": ("my photo.jpg", body, "image/jpeg")}
    answer = web.http.post(link, data={"kind": kind}, files=files)
    return answer.status_code, answer.text


def test_a_photo_is_kept_sealed_and_given_only_to_who_checks(
    web: Web,
    database: Database,
    vendor: Vendor,
    link: str,
    tmp_path: Path,
    inside: Inside,
) -> None:
    page = web.http.get(link)
    assert page.status_code == 200
    assert len(page.content) < PAGE_BYTES_MAX
    assert "<script" not in page.text
    assert page.headers["x-robots-tag"].startswith("noindex")
    assert "Hati zako" in web.http.get(f"{link}?lang=sw").text

    status, text = send(web, link)
    assert (status, "Thank you, we have it." in text) == (200, True)

    with database.transaction() as tx:
        paper = tx.db.scalars(select(VendorPaper)).one()
        assert (paper.vendor_id, paper.media_type, paper.size_bytes) == (
            vendor.id,
            "image/jpeg",
            len(PHOTO),
        )
        assert b"photo" not in paper.sealed
    assert inside("vendors", "papers", vendor.number, "--to", tmp_path).exit_code == 0
    (written,) = tmp_path.iterdir()
    assert written.read_bytes() == PHOTO
    assert written.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"<html><script>", "id_card", "Send a photo"),
        (b"GIF89a", "id_card", "Send a photo"),
        (b"", "id_card", "Choose a photo first."),
        (PHOTO, "passport", "Choose a photo first."),
    ],
)
def test_what_is_no_paper_is_not_kept(
    web: Web, database: Database, link: str, body: bytes, kind: str, said: str
) -> None:
    status, text = send(web, link, body, kind)

    assert (status, said in text) == (400, True)
    assert database.run(lambda tx: tx.db.scalar(select(VendorPaper.id))) is None


def test_more_than_fits_is_not_kept(web: Web, link: str) -> None:
    for too_much in (1, FORM_MAX_BYTES):
        status, text = send(web, link, PHOTO.ljust(PAPER_MAX_BYTES + too_much))
        assert (status, "larger than 4 MB" in text) == (413, True)
    endless = PHOTO.ljust(PAPER_MAX_BYTES + FORM_MAX_BYTES + READ_OFF_MAX_BYTES)
    try:
        status, _ = send(web, link, endless)
    except httpx.TransportError:
        status = 413  # The connection was closed while it was still being sent.
    assert status == 413
    assert web.http.post(link, content=b"no form at all").status_code == 400


def test_a_link_takes_so_many_papers_for_so_long(
    web: Web, link: str, clock: ManualClock, database: Database, vendor: Vendor
) -> None:
    for left in reversed(range(PAPERS_PER_LINK_MAX)):
        status, text = send(web, link)
        assert (status, "<form" in text) == (200, left > 0)
    assert send(web, link)[0] == 404
    assert web.http.get(link).status_code == 404

    other = f"/v/{database.run(lambda tx: new_link(tx, vendor.id)).token}"
    assert web.http.get(other).status_code == 200
    clock.advance(seconds=PAPER_LINK_SECONDS)
    assert web.http.get(other).status_code == 404
    for strange in ("/v/nothing", "/v/a..b", "/v/"):
        assert web.http.get(strange).status_code == 404
