"""Clusters that are started, changed and stopped, and clients of them."""

import logging
import os
import signal

import ipyparallel as ipp
from transcript import expect, show, until


def double(x):
    return 2 * x


def here():
    import os

    return os.getpid()


def context():
    with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
        show("client", (type(rc).__name__, rc.ids, len(rc)))
        show("works", rc[:].apply_sync(double, 2))
        show("other processes", os.getpid() not in rc[:].apply_sync(here))
        show("different ones", len(set(rc[:].apply_sync(here))))
        pids = rc[:].apply_sync(here)
    until(lambda: not any(alive(pid) for pid in pids))
    show("gone", [alive(pid) for pid in pids])


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def by_hand():
    cluster = ipp.Cluster(n=1, log_level=logging.ERROR)
    show("before", (cluster.n, isinstance(cluster.cluster_id, str)))
    rc = cluster.start_and_connect_sync()
    show("wait_for_engines", (rc.wait_for_engines(1, timeout=60), len(rc)))
    engine_set = cluster.start_engines_sync(1)
    rc.wait_for_engines(2, timeout=60)
    show("more", (rc.ids, isinstance(engine_set, str)))
    show("all work", rc[:].apply_sync(double, 1))
    before = rc[:].apply_sync(here)
    cluster.stop_engines_sync(engine_set)
    until(lambda: len(rc.ids) == 1)
    show("fewer", rc.ids)
    show("still works", rc.load_balanced_view().apply_sync(double, 3))
    until(lambda: not alive(before[1]))
    expect("engine is gone", lambda: rc[1], IndexError)
    rc.close()
    cluster.stop_cluster_sync()
    until(lambda: not alive(before[0]))
    show("gone", alive(before[0]))


def connect():
    with ipp.Cluster(n=1, log_level=logging.ERROR) as rc:
        other = rc.cluster.connect_client_sync()
        show("second client", (other.ids, other[0].apply_sync(double, 4)))
        rc[0]["shared"] = 1
        rc.wait(timeout=60)
        show("one namespace", other[0].get("shared"))
        ar = other[0].apply_async(double, 5)
        show("result", ar.get(timeout=60))
        other.close()
        show("the first goes on", rc[0].apply_sync(double, 6))


def shut_down():
    cluster = ipp.Cluster(n=2, log_level=logging.ERROR)
    rc = cluster.start_and_connect_sync()
    rc.shutdown(targets=[0], block=True)
    until(lambda: rc.ids == [1])
    show("one engine", rc.ids)
    show("works", rc.load_balanced_view().apply_sync(double, 3))
    rc.close()
    cluster.stop_cluster_sync()


def signals():
    with ipp.Cluster(n=1, log_level=logging.ERROR) as rc:
        ar = rc[0].apply_async(lambda: [print("started", flush=True), __import__("time").sleep(240)])
        until(lambda: ar.stdout)
        rc.send_signal(signal.SIGINT, block=True)
        ar.wait(60)
        show("interrupted", (ar.successful(), ar.exception().ename))
        show("lives on", rc[0].apply_sync(double, 1))


for part in (context, by_hand, connect, shut_down, signals):
    print(f"== {part.__name__}", flush=True)
    part()
