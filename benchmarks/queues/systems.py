"""Everyone's queue behind the same few verbs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

from benchmarks.last_words import last_words
from benchmarks.programs import FOLDERS, installed
from benchmarks.queues import servers
from benchmarks.queues.jobs import URL

SQLITE, POSTGRES = "Gangline, SQLite", "Gangline, PostgreSQL"
DEFAULT_BATCH, LARGE_BATCH = 10, 100
PGQUEUER, PGQUEUER_LARGE = "pgqueuer", f"pgqueuer, batches of {LARGE_BATCH}"
"""As it is if nothing is said, and as it drains a queue of short jobs fastest."""

JOBS = "benchmarks.queues.jobs"
ROOT = Path(__file__).resolve().parents[2]
Commands = Callable[[int], list[list[str]]]


@dataclass(frozen=True, slots=True)
class System:
    """A queue that is ready.

    Attributes:
        enqueue: Enter one job; it notes that it ran under the given number.
        enqueue_many: Enter many in the fastest way that the library has.
        workers: The commands that start so many worker processes.
        url: Where the queue is.
        left: What is not recorded as done; false when all is. Where nothing is recorded, nothing is left.
    """

    enqueue: Callable[[int], object]
    enqueue_many: Callable[[Sequence[int]], object]
    workers: Commands
    url: str
    left: Callable[[], object] = int


def environment() -> dict[str, str]:
    """Where worker processes find the jobs."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}


@contextmanager
def folder_on_disk() -> Iterator[Path]:
    """A folder that is thrown away."""
    FOLDERS.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=FOLDERS))
    with last_words('rm -rf "$PWD"', folder):
        yield folder


def each(command: Sequence[str]) -> Commands:
    """One command for each worker process."""
    return lambda count: [list(command) for _ in range(count)]


def _one_by_one(enqueue: Callable[[int], object]) -> Callable[[Sequence[int]], None]:
    def enqueue_many(numbers: Sequence[int]) -> None:
        for number in numbers:
            enqueue(number)

    return enqueue_many


@contextmanager
def gangline(url: str) -> Iterator[System]:
    """Gangline: a daemon of one slot for each worker."""
    os.environ[URL] = url
    from benchmarks.queues.jobs.for_gangline import Mark
    from gangline.queue import Queue

    command = [sys.executable, "-m", "gangline", "worker", "--queue", url, "--slots", "1"]
    with Queue(url) as queue:
        yield System(
            enqueue=lambda number: queue.enqueue(Mark, number=number),
            enqueue_many=lambda numbers: queue.enqueue_many(Mark, [{"number": number} for number in numbers]),
            workers=each(command),
            url=url,
            left=queue.count,
        )


@contextmanager
def gangline_on_sqlite() -> Iterator[System]:
    """Gangline in a file on the disk."""
    with folder_on_disk() as folder, gangline(f"sqlite:///{folder}/queue.db") as system:
        yield system


@contextmanager
def gangline_on_postgres() -> Iterator[System]:
    """Gangline in PostgreSQL."""
    with servers.postgres() as url, gangline(url) as system:
        yield system


@contextmanager
def huey() -> Iterator[System]:
    """A file of huey's on the disk, with processes as workers."""
    with folder_on_disk() as folder:
        os.environ[URL] = f"{folder}/huey.db"
        from benchmarks.queues.jobs import for_huey

        command = [installed("huey_consumer"), f"{JOBS}.for_huey.huey", "-k", "process", "-q", "-w"]
        yield System(
            enqueue=for_huey.mark,
            enqueue_many=_one_by_one(for_huey.mark),
            workers=lambda count: [[*command, str(count)]],
            url=os.environ[URL],
        )


@contextmanager
def celery() -> Iterator[System]:
    """Celery with Redis: one daemon with processes as workers."""
    with servers.redis() as url:
        os.environ[URL] = url
        from benchmarks.queues.jobs import for_celery

        command = [installed("celery"), "-A", f"{JOBS}.for_celery", "worker", "-l", "ERROR", "-c"]
        yield System(
            enqueue=for_celery.mark.delay,
            enqueue_many=_one_by_one(for_celery.mark.delay),
            workers=lambda count: [[*command, str(count)]],
            url=url,
        )


@contextmanager
def dramatiq() -> Iterator[System]:
    """Redis with dramatiq: processes with eight threads each, its default."""
    with servers.redis() as url:
        os.environ[URL] = url
        from benchmarks.queues.jobs import for_dramatiq

        command = [installed("dramatiq"), f"{JOBS}.for_dramatiq", "-p"]
        yield System(
            enqueue=for_dramatiq.mark.send,
            enqueue_many=_one_by_one(for_dramatiq.mark.send),
            workers=lambda count: [[*command, str(count)]],
            url=url,
        )


@contextmanager
def procrastinate() -> Iterator[System]:
    """PostgreSQL with procrastinate."""
    with servers.postgres() as url:
        os.environ[URL] = url
        app = f"{JOBS}.for_procrastinate.app"
        subprocess.run([installed("procrastinate"), f"--app={app}", "schema", "--apply"], check=True, env=environment())
        from benchmarks.queues.jobs import for_procrastinate

        with for_procrastinate.app.open():
            yield System(
                enqueue=lambda number: for_procrastinate.mark.defer(number=number),
                enqueue_many=lambda numbers: for_procrastinate.mark.batch_defer(*({"number": one} for one in numbers)),
                workers=each([installed("procrastinate"), f"--app={app}", "worker", "--concurrency", "10"]),
                url=url,
                left=partial(_one, url, "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"),
            )


@contextmanager
def pgqueuer(batch: int) -> Iterator[System]:
    """PostgreSQL with pgqueuer, whose workers take so many jobs at a time."""
    with servers.postgres() as url:
        os.environ[URL] = url
        subprocess.run([installed("pgq"), "--pg-dsn", url, "install"], check=True, stdout=subprocess.DEVNULL)
        import asyncpg
        from pgqueuer import AsyncpgDriver
        from pgqueuer.queries import Queries  # type: ignore[import-not-found]

        from benchmarks.queues.jobs.for_pgqueuer import ENTRY

        with asyncio.Runner() as runner:
            connection = runner.run(asyncpg.connect(url))
            queries = Queries(AsyncpgDriver(connection))

            def run(entering: Coroutine[Any, Any, object]) -> object:
                return runner.run(entering)

            yield System(
                enqueue=lambda number: run(queries.enqueue(ENTRY, b"%d" % number)),
                enqueue_many=lambda numbers: run(
                    queries.enqueue([ENTRY] * len(numbers), [b"%d" % number for number in numbers], [0] * len(numbers))
                ),
                workers=each([sys.executable, "-m", f"{JOBS}.for_pgqueuer", str(batch)]),
                url=url,
                left=partial(_one, url, "SELECT count(*) FROM pgqueuer"),
            )
            runner.run(connection.close())


def _one(url: str, query: LiteralString) -> object:
    import psycopg

    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
        return row and row[0]


SYSTEMS: dict[str, Callable[[], AbstractContextManager[System]]] = {
    SQLITE: gangline_on_sqlite,
    POSTGRES: gangline_on_postgres,
    "huey": huey,
    PGQUEUER: partial(pgqueuer, DEFAULT_BATCH),
    PGQUEUER_LARGE: partial(pgqueuer, LARGE_BATCH),
    "procrastinate": procrastinate,
    "Celery + Redis": celery,
    "dramatiq + Redis": dramatiq,
}
