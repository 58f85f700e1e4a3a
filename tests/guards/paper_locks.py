"""Locks of those who keep the books: documents, the tax authority, shared balances."""

from core.db.tx import Tx
from core.documents import etims
from core.documents.model import Document
from core.documents.usecases import Seller, issue_due
from core.errors import IllegalMove
from core.escrow import ledger
from core.money import kes
from core.ports.providers import ProviderError
from tests.core.booking.world import GOLDEN, World
from tests.core.escrow.tools import move
from tests.guards.guard import Guard, Kind, both_do, function, lock, meet_in, words


def _issue(tx: Tx) -> list[Document]:
    return issue_due(tx, Seller())


def _one_issues(world: World) -> None:
    world.confirmed()

    results = both_do(world, _issue, r"FROM ledger_transfers JOIN documents_due")

    assert [type(each) for each in results] == [list, list], "neither fails"
    assert results[1] == [], "another worker issues"


def _one_tells(world: World) -> None:
    world.confirmed()
    world.run(_issue)

    results = both_do(world, etims.begin, r"FROM tax_invoices")

    assert results[1] is None, "another worker has it"


def _told_again_once(world: World) -> None:
    """Two persons have found out why a document was refused; the first one's is on its way."""
    world.confirmed()
    world.run(_issue)
    document = world.run(etims.begin)
    assert document is not None
    refused = ProviderError(etims.REFUSED, detail="")
    world.run(lambda tx: etims.failed(tx, document.number, refused))

    def retry_and_tell() -> None:
        world.run(lambda tx: etims.retry(tx, document.number))
        world.run(etims.begin)

    results = meet_in(
        world,
        lambda: world.run(lambda tx: etims.retry(tx, document.number)),
        r"FROM tax_invoices",
        retry_and_tell,
    )

    assert isinstance(results[1], IllegalMove), "it is to be told of already"


def _added_once(world: World) -> None:
    world.confirmed()

    both_do(world, ledger.roll_up, "ledger_roll_up")

    world.assert_sound()


def _overtaken(world: World) -> None:
    world.confirmed()

    def post(key: str, escrow: str) -> None:
        world.run(lambda tx: ledger.post(tx, move(key, "float:daraja", escrow, 100)))

    def a_later_one() -> None:
        post("late", "escrow:A3")
        for _ in range(2):
            world.run(ledger.roll_up)

    meet_in(world, lambda: post("early", "escrow:A2"), r"SELECT ledger_post\(", a_later_one)

    assert world.balance("float:daraja") == GOLDEN + kes(200), "who commits last counts, too"


GUARDS = (
    Guard(
        "two workers issue one receipt: one fails",
        words(
            Kind.LOCK,
            "issuing",
            r"pg_try_advisory_xact_lock(?=\()",
            r"SELECT pg_try_advisory_xact_lock",
        ),
        _one_issues,
    ),
    Guard(
        "two workers tell the tax authority of one document",
        lock("a document, when told of", "tax_invoices"),
        _one_tells,
    ),
    Guard(
        "a document that is being told of is told of again",
        lock("a refused document, when taken up", "tax_invoices"),
        _told_again_once,
    ),
    Guard(
        "two who roll up add the same postings",
        function("ledger_roll_up", "FOR UPDATE SKIP LOCKED", "", "what another rolls up"),
        _added_once,
    ),
    Guard(
        "a posting that commits behind a later one is in no balance",
        function("ledger_roll_up", "NOT now_writing && mark.writing", "true", "who still writes"),
        _overtaken,
    ),
)
