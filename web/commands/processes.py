"""The processes that Nafasi consists of: one place for their command lines."""

import sys

WORKER_PROCESSES = 2
WEB_STOP_SECONDS = 5
QUEUES = "urgent,default,slow"
# In a container and in a trial as root, root is all there is: no warning at every start.
_CELERY = (
    *(sys.executable, "-W", "ignore::UserWarning:celery.platforms"),
    *("-m", "celery", "--app", "workers.main", "--quiet"),
)


def web_words(host: str, port: int, processes: int = 1) -> tuple[str, ...]:
    """Return the command line of the web process.

    No access log: the addresses of callbacks hold the secret.
    """
    words = (
        *(sys.executable, "-m", "uvicorn", "web.main:app"),
        *("--host", host, "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--ws", "none"),
        *("--no-access-log", "--no-server-header", "--log-level", "warning"),
        *("--timeout-graceful-shutdown", str(WEB_STOP_SECONDS)),
    )
    return words if processes == 1 else (*words, "--workers", str(processes))


def worker_words(processes: int = WORKER_PROCESSES, queues: str = QUEUES) -> tuple[str, ...]:
    """Return the command line of a worker."""
    return (
        *_CELERY,
        "worker",
        *("--queues", queues, "--pool", "prefork", "--concurrency", str(processes)),
        *("--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
    )


def beat_words() -> tuple[str, ...]:
    """Return the command line of the scheduler."""
    return (
        *_CELERY,
        "beat",
        *("--loglevel", "WARNING", "--pidfile", ""),
    )


def simulate_words(seeds: str, days: int) -> tuple[str, ...]:
    """Return the command line of simulated years: they drive the workers' own loops."""
    return (
        *(sys.executable, "-m", "workers.simulate"),
        *("--seeds", seeds, "--days", str(days)),
    )


def simulator_words(host: str, port: int, data: str) -> tuple[str, ...]:
    """Return the command line of the simulators."""
    return (
        *(sys.executable, "-m", "web.cli", "simulator"),
        *("--host", host, "--port", str(port), "--data", data),
    )
