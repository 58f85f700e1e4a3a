"""Servers of a measurement's own: what the environment names may be somebody's."""

import os

from web.local.binaries import DATABASE_VARIABLES, REDIS_VARIABLES
from web.local.servers import LocalServers


def own_servers(*, durable: bool) -> LocalServers:
    """Return servers in a folder of their own, also where the environment names others.

    A measurement writes millions of rows, makes schemas and leaves them there.

    Args:
        durable: whether a commit waits for the disk.
    """
    named = {*DATABASE_VARIABLES, *REDIS_VARIABLES}
    environ = {name: value for name, value in os.environ.items() if name not in named}
    return LocalServers(durable=durable, environ=environ)
