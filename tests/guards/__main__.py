"""``python -m tests.guards``: write the list of guards anew."""

from tests.guards.catalog import PAGE, page

PAGE.write_text(page())
