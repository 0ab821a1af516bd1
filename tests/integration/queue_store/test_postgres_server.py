"""A queue in PostgreSQL: servers that are missing, too old, full, restarted or frozen; how jobs are found in them."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gangline.errors import StoreError, StoreUnavailable, UsageError
from gangline.store.jobs import open_store
from gangline.store.jobs.port import Claim, Ending, JobStore, Lane
from gangline.store.jobs.postgres import opening, tidying
from gangline.store.jobs.postgres.statements import STATEMENTS
from tests.integration.queue_store.conftest import Open, emptied
from tests.integration.queue_store.support import Alike, end, eventually, new, row, take, take_one, worker
from tests.postgres import Server


@pytest.fixture
def url(server: Server) -> str:
    return emptied(server.url)


@pytest.fixture
def admin(server: Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


def test_addresses() -> None:
    address = opening.parse_url("postgresql://me:se%40cret@host:5433/db?sslmode=require&schema=mine&password=also")
    assert address.shown == "postgresql://me@host:5433/db?sslmode=require&schema=mine"
    assert address.schema == "mine"
    fields = psycopg.conninfo.conninfo_to_dict(address.conninfo)
    assert (fields["user"], fields["host"], fields["port"], fields["dbname"]) == ("me", "host", "5433", "db")
    assert "schema" not in fields
    assert opening.parse_url("postgresql://host/db").schema == "gangline"
    for url in ("postgresql://h/d?schema=a;b", "postgresql://h/d?schema=", "postgresql://me:secret@h/d?nonsense=1"):
        with pytest.raises(UsageError) as refusal:
            open_store(url)
        assert "secret" not in str(refusal.value)


def test_several_queues_in_one_database(server: Server, admin: psycopg.Connection[Any]) -> None:
    one, other = open_store(f"{server.url}?schema=one"), open_store(f"{server.url}?schema=other")
    one.add([new()])
    assert (one.count(), other.count()) == (1, 0)
    assert not other.turn(worker(other), room=1).claimed
    while other.wait_for_change(0.02):
        pass
    one.add([new()])
    assert not other.wait_for_change(0.05)
    one.close()
    other.close()
    admin.execute("DROP SCHEMA one, other CASCADE")


def test_many_make_the_queue_at_once(server: Server, admin: psycopg.Connection[Any]) -> None:
    with ThreadPoolExecutor(5) as pool:
        stores = list(pool.map(open_store, [f"{server.url}?schema=fresh"] * 5))
    stores[0].add([new()])
    assert {store.count() for store in stores} == {1}
    for store in stores:
        store.close()
    admin.execute("DROP SCHEMA fresh CASCADE")


def test_who_is_not_let_in(server: Server, admin: psycopg.Connection[Any]) -> None:
    port = server.port
    with pytest.raises(StoreUnavailable, match="nothing listens there"):
        open_store("postgresql://me:secret@127.0.0.1:1/db")
    with pytest.raises(StoreError, match="no such database"):
        open_store(f"postgresql://gl@127.0.0.1:{port}/nowhere")
    with pytest.raises(StoreError, match="no such database or role"):
        open_store(f"postgresql://nobody:secret@127.0.0.1:{port}/postgres")
    admin.execute("CREATE ROLE poor LOGIN")
    with pytest.raises(StoreError, match="may not"):
        open_store(f"postgresql://poor@127.0.0.1:{port}/postgres?schema=poor")
    admin.execute("DROP ROLE poor")


def test_a_wrong_password_is_not_shown(server: Server, admin: psycopg.Connection[Any]) -> None:
    rules = server.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    admin.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    try:
        rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + before)
        admin.execute("SELECT pg_reload_conf()")
        address = f"postgresql://guarded:very-wrong@127.0.0.1:{server.port}/postgres"
        eventually(lambda: not _lets_in(address))
        with pytest.raises(StoreError, match="password") as refusal:
            open_store(address)
        assert "very-wrong" not in str(refusal.value)
        assert f"guarded@127.0.0.1:{server.port}" in str(refusal.value)
    finally:
        rules.write_text(before)
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("DROP ROLE guarded")


def _lets_in(address: str) -> bool:
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_server_that_is_too_old(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "OLDEST", 99)
    with pytest.raises(StoreError, match=r"PostgreSQL \d+, and 99 or newer"):
        open_store(url)


def test_foreign_and_newer_schemas(server: Server, admin: psycopg.Connection[Any]) -> None:
    admin.execute("CREATE SCHEMA foreign_one; CREATE TABLE foreign_one.jobs (id int)")
    with pytest.raises(StoreError, match="another program"):
        open_store(f"{server.url}?schema=foreign_one")
    open_store(f"{server.url}?schema=newer").close()
    admin.execute("UPDATE newer.about SET version = 77")
    with pytest.raises(StoreError, match=r"version 77.*up to 1"):
        open_store(f"{server.url}?schema=newer")
    admin.execute("DROP SCHEMA foreign_one, newer CASCADE")


def test_the_schema_is_the_sum_of_its_migrations() -> None:
    shipped = {f"postgres/migrations/{one.name}" for one in Path(opening.__file__).parent.glob("migrations/*.sql")}
    assert shipped == {file for files in opening.MIGRATIONS for file in files}


def test_no_connection_left(url: str, server: Server) -> None:
    store = open_store(url)
    others: list[psycopg.Connection[Any]] = []
    with contextlib.suppress(psycopg.OperationalError):
        while len(others) < 100:
            others.append(psycopg.connect(server.url))
    assert len(others) < 100
    try:
        store.add([new()])  # it has its own
        with pytest.raises(StoreUnavailable, match="max_connections"):
            store.connect()  # this needs one more
    finally:
        for one in others:
            one.close()
        eventually(lambda: _has_room(server))
    assert store.wait_for_change(60.0)
    store.close()


def _has_room(server: Server) -> bool:
    try:
        with psycopg.connect(server.url) as connection:
            found = connection.execute("SELECT count(*) < 10 FROM pg_stat_activity").fetchone()
            return found == (True,)
    except psycopg.OperationalError:
        return False


def test_connections_that_are_killed(url: str, admin: psycopg.Connection[Any]) -> None:
    store = open_store(url)
    uid = worker(store)
    store.add([new(), new()])
    claim = take_one(store, uid)
    while store.wait_for_change(0.02):
        pass
    _kill_others(admin)
    with pytest.raises(StoreUnavailable):
        store.wait_for_change(60.0)
    assert store.turn(uid, [Ending(claim.id, claim.fence, "complete")], room=1).claimed
    assert store.wait_for_change(60.0)
    with ThreadPoolExecutor(1) as pool:
        admin.execute("SELECT pg_advisory_lock(hashtextextended('gangline gangline cookie c', 0))")
        waiting = pool.submit(store.change_cookie, "c", "set", "k", 1)
        eventually(lambda: admin.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone())
        _kill_others(admin)
        assert isinstance(waiting.exception(), StoreUnavailable)
        admin.execute("SELECT pg_advisory_unlock_all()")
    assert store.cookie("c") == {}
    assert store.change_cookie("c", "set", "k", 1) == 1
    store.close()


def _kill_others(admin: psycopg.Connection[Any]) -> None:
    others = "application_name = 'gangline' AND pid <> pg_backend_pid()"
    admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}".encode())
    gone = f"SELECT count(*) = 0 FROM pg_stat_activity WHERE {others}".encode()
    eventually(lambda: admin.execute(gone).fetchone() == (True,))


def test_a_restart_under_load(url: str, server: Server) -> None:
    """Whatever a call says, each job is there once and each claim ends once."""
    stop = threading.Event()
    troubles: list[str] = []
    entered: list[int] = []
    ended: list[int] = []
    unsure = 0

    def enter() -> None:
        nonlocal unsure
        store = open_store(url)
        while not stop.is_set():
            try:
                entered.extend(store.add([new(unique=False)]))
            except StoreUnavailable as error:
                unsure += 1
                troubles.append(str(error))
                stop.wait(0.02)
        store.close()

    def work(name: str) -> None:
        store = open_store(url)
        uid = worker(store, name)
        endings: list[Ending] = []
        while not stop.is_set():
            try:
                result = store.turn(uid, endings, room=5, hasty=True)
            except StoreUnavailable as error:
                troubles.append(str(error))
                stop.wait(0.02)
                continue
            assert result.lost == []
            ended.extend(ending.job for ending in endings)
            claims = [(claim.id, claim.fence) for claim in result.claimed]
            try:
                lost = store.confirm(claims)
            except StoreUnavailable as error:
                troubles.append(str(error))
                lost = claims
            endings = [Ending(job, fence, "complete") for job, fence in claims if (job, fence) not in lost]
        store.close()

    open_store(url).close()
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(enter), pool.submit(work, "a"), pool.submit(work, "b")]
        for _ in range(2):
            before = len(ended)
            eventually(lambda before=before: len(ended) > before + 50)  # type: ignore[misc]
            server.stop("immediate")
            eventually(lambda: troubles)
            server.start()
        before = len(ended)
        eventually(lambda: len(ended) > before + 50)
        stop.set()
        for future in running:
            future.result()
    store = open_store(url)
    there = {one.id for one in store.find(journal=None)}
    assert len(set(entered) - there) == 0
    assert len(there - set(entered)) <= unsure  # entered, but the answer never arrived
    assert len(ended) == len(set(ended))
    assert {one.id for one in store.find({"state": "complete"}, journal=True)} >= set(ended)
    assert any("connection" in trouble or "listens" in trouble or "starting" in trouble for trouble in troubles)
    store.close()


def test_claims_that_a_crash_forgets(url: str, server: Server, admin: psycopg.Connection[Any]) -> None:
    """Those that are forgotten are told, and never taken for later ones."""
    admin.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
    admin.execute("SELECT pg_reload_conf()")
    forgotten = 0
    try:
        for number in itertools.count(1):
            if number > 3 and (forgotten or number > 20):
                break
            store = open_store(url)
            uid = worker(store, f"w{number}")
            jobs = store.add([new() for _ in range(20)])
            claims = [(claim.id, claim.fence) for claim in store.turn(uid, room=20, hasty=True).claimed]
            assert [job for job, _ in claims] == jobs
            server.stop("immediate")
            with pytest.raises(StoreUnavailable):
                store.confirm(claims)
            server.start()
            lost = store.confirm(claims)
            forgotten += len(lost)
            assert {job for job, _ in claims if row(store, job).state == "pending"} == {job for job, _ in lost}
            again = take(store, uid, 20)
            assert {claim.id for claim in again} == {job for job, _ in lost}
            assert not {(claim.id, claim.fence) for claim in again} & set(claims)
            assert store.turn(uid, [Ending(job, fence, "complete") for job, fence in claims]).lost == lost
            store.close()
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM RESET wal_writer_delay")
            connection.execute("SELECT pg_reload_conf()")
    assert forgotten


def test_claims_that_are_confirmed_outlast_a_crash(url: str, server: Server) -> None:
    store = open_store(url)
    uid = worker(store)
    entered = [store.add([new()])[0] for _ in range(5)]
    claims = [(claim.id, claim.fence) for claim in store.turn(uid, room=5, hasty=True).claimed]
    assert store.confirm(claims) == []
    entered += store.add([new(wait_s=60.0)])
    server.stop("immediate")
    server.start()
    assert store.turn(uid, [Ending(job, fence, "complete") for job, fence in claims]).lost == []
    assert [one.id for one in store.find(journal=None)] == entered
    store.close()


def test_a_server_that_stands_still_and_goes_on(url: str, server: Server) -> None:
    store = open_store(url)
    uid = worker(store)
    store.add([new()])
    server.freeze()
    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(take, store, uid)
            threading.Timer(0.2, server.thaw).start()
            assert len(waiting.result()) == 1
    finally:
        server.thaw()
    store.close()


def test_who_stands_still_in_a_transaction_does_not_keep_its_jobs(url: str, server: Server) -> None:
    frozen, other = open_store(url), open_store(url)
    uid = worker(frozen, "frozen", lease_s=0.2)
    (job,) = frozen.add([new()])
    claim = take_one(frozen, uid)
    with pytest.raises(StoreUnavailable, match="stood still"), frozen._writing() as work:  # type: ignore[attr-defined]  # noqa: PT012
        work.run("find_job", job=job)
        patience = "idle_in_transaction_session_timeout"
        assert work.connection.execute(f"SHOW {patience}").fetchone() == ("4s",)
        work.connection.execute(f"SET LOCAL {patience} = 100")  # so long a test need not take
        eventually(lambda: other.recover() == [job])
        work.run("find_job", job=job)
    assert not frozen.tell(claim.id, claim.fence, progress=0.5)
    assert take_one(other, worker(other, "other")).id == job
    frozen.close()
    other.close()


def test_the_clock_is_the_servers(url: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(url)
    uid = worker(store, lease_s=30.0)
    (number,) = store.add([new(wait_s=0.05)])
    monkeypatch.setattr("time.time", lambda: 0.0)
    (claim,) = eventually(lambda: take(store, uid))
    assert store.recover() == []
    end(store, uid, claim)
    found = row(store, number)
    assert found.started_at is not None
    assert found.started_at > 1e9
    assert found.enqueued_at > 1e9
    store.close()


@pytest.fixture
def backlog(open_queue: Open, admin: psycopg.Connection[Any]) -> Iterator[tuple[JobStore, str]]:
    """Thousands of jobs, of which some run, in a table that nobody has analysed.

    The administrator's session has planned its statements while there were but two.
    """
    store = open_queue()
    uid = worker(store)
    admin.execute("ALTER TABLE gangline.jobs SET (autovacuum_enabled = off); SET search_path = gangline")
    store.add([new(), new()])
    claim = take_one(store, uid)
    admin.execute(call_turn(uid, [claim], 1).encode())
    for name, each in (("tests.Job", 7000), ("tests.Other", 170)):
        for priority in range(3):
            many = [{"number": one} for one in range(each * priority, each * (priority + 1))]
            store.add_alike(Alike(new(Lane(name), priority=priority, unique=False), many))
    yield store, uid
    admin.execute("ALTER TABLE gangline.jobs RESET (autovacuum_enabled)")


def call_turn(uid: str, ended: Sequence[Claim], room: int) -> str:
    """The call in which jobs have ended, and some are claimed: both ways of telling of an end are used."""
    some, others = ended[: len(ended) // 2 + 1], ended[len(ended) // 2 + 1 :]
    completed = {
        "jobs": [claim.id for claim in some],
        "fences": [claim.fence for claim in some],
        "runtimes": [1.5 for _ in some],
    }
    endings = [{"job": claim.id, "fence": claim.fence, "kind": "complete"} for claim in others]
    return f"SELECT turn({int(uid, 16)}, '{json.dumps(completed)}', '{json.dumps(endings)}', {room}, '{{}}', FALSE)"


def explain(connection: psycopg.Connection[Any], call: str) -> list[str]:
    """The plans of all statements that a call of a function runs."""
    notices: list[str] = []

    def keep(notice: psycopg.errors.Diagnostic) -> None:
        notices.append(notice.message_primary or "")

    connection.execute("LOAD 'auto_explain'")
    connection.execute(
        "SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; "
        "SET client_min_messages = log; SET search_path = gangline"
    )
    connection.add_notice_handler(keep)
    connection.execute(call.encode()).fetchall()
    return [notice for notice in notices if "Query Text" in notice]


def check_plan(plan: str) -> None:
    """No step of it walks over all jobs, be it along an index."""
    assert "Seq Scan on jobs" not in plan, plan
    lines = plan.splitlines()
    for step, following in zip(lines, [*lines[1:], ""], strict=True):
        if re.search(r"Index (Only )?Scan.* using jobs_(pkey|unique|by_parent|journal|taken)", step):
            assert "Index Cond" in following, plan


def test_a_turn_finds_its_jobs_by_the_index(backlog: tuple[JobStore, str], admin: psycopg.Connection[Any]) -> None:
    store, uid = backlog
    claims = take(store, uid, 50)
    for room in (5, 50):
        plans = explain(admin, call_turn(uid, claims[:20], room))
        assert any("jobs_ready" in plan for plan in plans)
        for plan in plans:
            check_plan(plan)
    assert admin.execute("SELECT count(*) FROM jobs WHERE state = 'running'").fetchone() == (86,)
    store.pause("class", "tests.Other")  # one lane is left
    check_unsorted(explain(admin, f"SELECT turn({int(uid, 16)}, NULL, NULL, 5, '{{}}', FALSE)"))
    store.resume("class", "tests.Other")
    admin.execute(
        "DELETE FROM jobs WHERE place = 'ready' AND lane IN (SELECT id FROM lanes WHERE name = 'tests.Other')"
    )
    check_unsorted(explain(admin, f"SELECT turn({int(uid, 16)}, NULL, NULL, 5, '{{}}', FALSE)"))


def check_unsorted(plans: list[str]) -> None:
    """What is next in a lane is found in the order of the index."""
    assert any("FOR UPDATE" in plan and "jobs_ready" in plan for plan in plans)
    for plan in plans:
        check_plan(plan)
        assert "FOR UPDATE" not in plan or "Sort" not in plan, plan


def test_what_workers_do_never_walks_over_all_jobs(
    backlog: tuple[JobStore, str], admin: psycopg.Connection[Any]
) -> None:
    store, uid = backlog
    claims = take(store, uid, 50)
    values = {
        "worker": int(uid, 16), "lease_s": 5.0, "jobs": [claim.id for claim in claims], "job": claims[0].id,
        "progress": 0.5, "message": "m", "fence": 1, "flag": "", "lost": 1,
    }  # fmt: skip
    admin.execute("UPDATE jobs SET state = 'running', place = NULL WHERE place = 'ready'")
    admin.execute("ANALYZE jobs")  # while many run
    admin.execute("UPDATE jobs SET state = 'pending', place = 'ready' WHERE worker IS NULL")
    for whose in ("NULL", int(uid, 16)):
        plans = explain(admin, f"SELECT * FROM claims_of({whose})")
        assert any("jobs_taken" in plan for plan in plans)
        for plan in plans:
            check_plan(plan)
    for name in ("renew_leases", "list_orders", "tell_progress", "find_job", "give_back"):
        statement = STATEMENTS[name]
        used = {key: values[key] for key in re.findall(r"%\((\w+)\)s", statement)}
        found = admin.execute(f"EXPLAIN {statement}".encode(), used).fetchall()
        check_plan("\n".join(line for (line,) in found))


def test_what_was_taken_is_tidied_away(
    url: str, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "DEAD", 15)
    monkeypatch.setattr(tidying, "EVERY_S", 0.05)
    vacuums = "SELECT coalesce(max(vacuum_count), 0) FROM pg_stat_user_tables WHERE relid = 'gangline.jobs'::regclass"
    ((before,),) = admin.execute(vacuums.encode()).fetchall()
    store, other = open_store(url), open_store(url)
    uid = worker(store)
    store.add([new() for _ in range(1000)])
    while claims := take(store, uid, 100):
        store.turn(uid, [Ending(claim.id, claim.fence, "complete") for claim in claims])

    def tidied() -> bool:
        assert store.recover() == other.recover() == []
        ((now,),) = admin.execute(vacuums.encode()).fetchall()
        return bool(now > before)

    eventually(tidied)
    store.close()
    other.close()


def test_a_turn_is_one_round_trip(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(url)
    uid = worker(store)
    store.add([new(), new()])
    claim = take_one(store, uid)
    sent: list[Any] = []
    execute = psycopg.Connection.execute

    def counting(self: psycopg.Connection[Any], *args: Any, **options: Any) -> psycopg.Cursor[Any]:
        sent.append(args[0])
        return execute(self, *args, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", counting)
    store.turn(uid, [Ending(claim.id, claim.fence, "complete")], room=1)
    assert len(sent) == 1
    store.close()
