"""What a measurement runs on: servers of its own, and some interpreter."""

import os
import platform
import sysconfig

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
    """Return which Python this is, and how it is linked.

    One that lies in a shared library and was not built for it takes a quarter longer for a hop.
    """
    linked = "shared" if sysconfig.get_config_var("Py_ENABLE_SHARED") else "static"
    return f"{platform.python_implementation()} {platform.python_version()}, linked {linked}"
