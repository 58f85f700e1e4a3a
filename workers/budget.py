"""How long a run may go on: what is left over stays due and is found by the next run."""

import time


class Budget:
    """Seconds of work from now on; a run looks before it begins another piece."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end
