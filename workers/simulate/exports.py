"""Flutterwave's exports, as our people take them in each month: what came, and what was sent."""

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from channels.flutterwave import statement, transfer_export
from channels.simulator.flutterwave_exports import settlements, transfers
from channels.simulator.state import World
from core.clock import nairobi_date
from core.db.tx import Tx
from core.reconcile.matcher import FaultKind
from core.reconcile.places import Accounts
from core.reconcile.statement import BadStatement, Reading
from core.reconcile.usecases import Taken, take
from workers.simulate.audit import Wrong
from workers.simulate.points import Step
from workers.simulate.scene import Scene

TRIES_MAX = 3
Export = Callable[[World, str], str]
Read = Callable[[Path], Reading]
EXPORTS: tuple[tuple[Export, Read], ...] = (
    (settlements, statement.read_statement),
    (transfers, transfer_export.read_statement),
)


class Exports:
    """Takes in what Flutterwave says of a month; it is always honest.

    Args:
        scene: where it happens.
        accounts: ours with Flutterwave.

    Attributes:
        wrong: differences that were found although there are none.
    """

    def __init__(self, scene: Scene, accounts: Accounts) -> None:
        self._scene = scene
        self._accounts = accounts
        self.wrong: list[Wrong] = []

    def take_last_month(self) -> None:
        """Take in last month's, and once more the one before: some of it came back since."""
        for ago in (2, 1):
            self._take(self._month(ago))

    def take_what_is_left(self) -> None:
        """Take in what is new at the end: a transfer that came back stands in its old month."""
        for ago in (2, 1, 0):
            self._take(self._month(ago))

    def _month(self, ago: int) -> str:
        first = nairobi_date(self._scene.now).replace(day=1)
        for _ in range(ago):
            first = (first - timedelta(days=1)).replace(day=1)
        return f"{first:%Y-%m}"

    def _take(self, month: str) -> None:
        for export, read in EXPORTS:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "export.csv"
                path.write_text(export(self._scene.world, month), encoding="utf-8", newline="")
                self._read(path, read)

    def _read(self, path: Path, read: Read) -> None:
        scene = self._scene
        try:
            reading = read(path)
        except BadStatement as bad:
            if bad.code != "empty":
                self.wrong.append(Wrong("statements are read", f"refused: {bad}"))
            return

        def taking(tx: Tx) -> Taken:
            return take(tx, reading, self._accounts)

        for _ in range(TRIES_MAX):  # Whoever's process died over it takes the file in again.
            if (taken := scene.turn(Step.STATEMENT, taking)) is not None:
                self._check(taken)
                return

    def _check(self, taken: Taken) -> None:
        """Look whether what differs does: our receipts are those of the provider, or they lie."""
        self._scene.tally["export differences"] += taken.differences
        for fault in taken.faults:
            self._scene.tally[f"export: {fault.kind}"] += 1
            if fault.kind is FaultKind.MISSING_THEIRS:
                about = f"{taken.statement.account} {fault.number} is no difference"
                self.wrong.append(Wrong("statements are compared", about))
