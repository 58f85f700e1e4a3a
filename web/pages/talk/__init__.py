"""A conversation in the browser: the screens of a call, as pages with buttons."""
