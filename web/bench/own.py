"""What a measurement runs on: servers of its own, and some interpreter."""

import os
import platform

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


def interpreter() -> str:
    """Return which Python this is: two builds of one version can differ by a quarter."""
    name, built = platform.python_implementation(), ", ".join(platform.python_build())
    return f"{name} {platform.python_version()} ({built}), {platform.python_compiler()}"
