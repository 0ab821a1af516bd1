"""The names that programs for ipyparallel use, and how they are called."""

from __future__ import annotations

import concurrent.futures
import importlib
import inspect

import pytest

import gangline.views as ipp

METHODS = {
    "Client": """
        __len__() __iter__() __getitem__(key) __enter__() __exit__(exc_type,exc_value,traceback)
        direct_view(targets) load_balanced_view(targets) broadcast_view(targets,is_coalescing) executor(targets)
        wait_for_engines(n,timeout,block,interactive,widget) wait(jobs,timeout) wait_interactive(jobs,interval,timeout)
        get_result(indices_or_msg_ids,block,owner) resubmit(indices_or_msg_ids,metadata,block)
        result_status(msg_ids,status_only) queue_status(targets,verbose) abort(jobs,targets,block)
        send_signal(sig,targets,block) clear(targets,block) shutdown(targets,restart,hub,block)
        purge_local_results(jobs,targets) purge_hub_results(jobs,targets) purge_results(jobs,targets)
        purge_everything() hub_history() db_query(query,keys) activate(targets,suffix) close()
    """,
    "LoadBalancedView": """
        apply(f) apply_async(f) apply_sync(f) map(f,block,chunksize,ordered,return_exceptions,label) map_async(f)
        map_sync(f) imap(f,ordered,max_outstanding,return_exceptions) remote(block) parallel(dist,block) set_flags()
        temp_flags() register_joblib_backend(name,make_default) wait(jobs,timeout) abort(jobs,targets,block)
        queue_status(targets,verbose) get_result(indices_or_msg_ids,block,owner) purge_results(jobs,targets)
        shutdown(targets,restart,hub,block)
    """,
    "DirectView": """
        apply(f) apply_async(f) apply_sync(f) map(f,block,return_exceptions,label) map_async(f) map_sync(f) imap(f)
        remote(block) parallel(dist,block) set_flags() temp_flags()
        execute(code,silent,targets,block,label) run(filename,targets,block,label) push(ns,targets,block,track)
        update(ns) pull(names,targets,block) get(key_s) __getitem__(key) __setitem__(key,value)
        scatter(key,seq,dist,flatten,targets,block,track) gather(key,dist,targets,block)
        sync_imports(local,quiet) clear(targets,block) use_dill() use_cloudpickle() use_pickle() activate(suffix)
        wait(jobs,timeout) abort(jobs,targets,block) queue_status(targets,verbose)
        get_result(indices_or_msg_ids,block,owner)
    """,
    "AsyncResult": """
        get(timeout,return_exceptions,return_when) wait(timeout,return_when) ready() successful() done() cancel()
        cancelled() running() result(timeout) exception(timeout) add_done_callback(fn) abort()
        wait_interactive(interval,timeout,widget,return_when) wait_for_output(timeout) wait_for_send(timeout)
        get_dict(timeout) split() join() timedelta(start,end,start_key,end_key) display_outputs(groupby,result_only)
        stream_output() __len__() __iter__() __getitem__(key) __await__()
    """,
    "Cluster": """
        start_and_connect_sync() start_and_connect() start_cluster_sync() start_cluster() start_engines_sync(n)
        start_engines(n) stop_engines(engine_set_id) stop_engines_sync(engine_set_id) restart_engines(engine_set_id)
        restart_engines_sync(engine_set_id) signal_engines(signum) signal_engines_sync(signum) stop_cluster()
        stop_cluster_sync() connect_client_sync() connect_client() __enter__() __exit__() __aenter__() __aexit__()
    """,
    "RemoteError": "render_traceback() print_traceback(excid)",
    "CompositeError": "render_traceback(excid) print_traceback(excid) raise_exception(excid)",
    "Dependency": "check(completed,failed) unreachable(completed,failed) as_dict()",
}

PROPERTIES = {
    "Client": "ids history outstanding results metadata profile cluster block",
    "LoadBalancedView": "executor block targets after follow timeout retries label history outstanding results client",
    "DirectView": "executor importer block targets label history outstanding results client",
    "AsyncResult": "r result_dict metadata progress elapsed serial_time wall_time sent msg_ids",
}

METADATA = [
    "msg_id",
    "submitted",
    "started",
    "completed",
    "received",
    "engine_uuid",
    "engine_id",
    "follow",
    "after",
    "status",
    "execute_input",
    "execute_result",
    "error",
    "stdout",
    "stderr",
    "outputs",
    "data",
    "label",
]


def calls(table):
    for owner, text in table.items():
        for call in text.split():
            name, _, parameters = call.rstrip(")").partition("(")
            yield pytest.param(owner, name, [one for one in parameters.split(",") if one], id=f"{owner}.{name}")


@pytest.mark.parametrize(
    "name",
    [
        "Client",
        "LoadBalancedView",
        "DirectView",
        "BroadcastView",
        "ViewExecutor",
        "AsyncResult",
        "AsyncMapResult",
        "AsyncHubResult",
        "Dependency",
        "depend",
        "dependent",
        "require",
        "interactive",
        "Reference",
        "Cluster",
        "register_joblib_backend",
        "error",
        "datapub",
        "remote",
        "parallel",
        "RemoteFunction",
        "ParallelFunction",
        "ALL_COMPLETED",
        "FIRST_COMPLETED",
        "FIRST_EXCEPTION",
        "__version__",
        "version_info",
        "RemoteError",
        "CompositeError",
        "EngineError",
        "NoEnginesRegistered",
        "TaskAborted",
        "TaskTimeout",
        "UnmetDependency",
        "ImpossibleDependency",
        "InvalidDependency",
        "DependencyTimeout",
    ],
)
def test_name_at_the_top(name):
    assert hasattr(ipp, name)


@pytest.mark.parametrize(
    "name",
    [
        "RemoteError",
        "CompositeError",
        "EngineError",
        "NoEnginesRegistered",
        "TaskAborted",
        "TaskTimeout",
        "DependencyTimeout",
        "UnmetDependency",
        "ImpossibleDependency",
        "InvalidDependency",
        "KernelError",
        "IPythonError",
        "TimeoutError",
        "collect_exceptions",
        "wrap_exception",
        "unwrap_exception",
    ],
)
def test_name_in_error(name):
    assert hasattr(ipp.error, name)


def test_relations_of_errors():
    error = ipp.error
    assert error.TaskTimeout is error.DependencyTimeout
    assert issubclass(error.InvalidDependency, error.ImpossibleDependency)
    assert issubclass(error.ImpossibleDependency, error.UnmetDependency)
    assert issubclass(error.CompositeError, error.RemoteError)
    assert issubclass(error.RemoteError, error.KernelError)
    assert ipp.RemoteError is error.RemoteError


@pytest.mark.parametrize(("owner", "name", "parameters"), list(calls(METHODS)))
def test_method_and_its_parameters(owner, name, parameters):
    method = getattr(getattr(ipp, owner), name)
    if name.startswith("__"):
        return
    signature = inspect.signature(method)
    open_ended = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in signature.parameters.values())
    missing = [
        one for one in parameters if one not in signature.parameters and not (open_ended or one in ("f", "fn", "excid"))
    ]
    assert not missing, signature


@pytest.mark.parametrize(
    ("owner", "name"), [(owner, name) for owner, names in PROPERTIES.items() for name in names.split()]
)
def test_attribute(any_rc, owner, name):
    ar = any_rc.load_balanced_view().apply_async(int)
    ar.get(timeout=60)
    instance = {
        "Client": any_rc,
        "LoadBalancedView": any_rc.load_balanced_view(),
        "DirectView": any_rc[:],
        "AsyncResult": ar,
    }[owner]
    getattr(instance, name)


def test_instances(any_rc):
    assert isinstance(any_rc[:], ipp.DirectView)
    assert isinstance(any_rc.broadcast_view(), ipp.BroadcastView)
    assert issubclass(ipp.BroadcastView, ipp.DirectView)
    assert issubclass(ipp.AsyncMapResult, ipp.AsyncResult)
    assert issubclass(ipp.AsyncHubResult, ipp.AsyncResult)
    assert issubclass(ipp.AsyncResult, concurrent.futures.Future)
    assert issubclass(ipp.ViewExecutor, concurrent.futures.Executor)
    assert issubclass(ipp.Dependency, set)


def test_metadata_keys(any_rc):
    ar = any_rc.load_balanced_view().apply_async(int)
    ar.get(timeout=60)
    assert set(METADATA) <= set(ar.metadata)
    for key in METADATA:
        assert getattr(ar, key) == ar[key] == ar.metadata[key] == getattr(ar.metadata, key)


def test_client_indexing(any_rc):
    assert any_rc.ids == [0, 1]
    assert len(any_rc) == 2
    assert [view.targets for view in any_rc] == [0, 1]
    assert any_rc[0].targets == 0
    assert any_rc[-1].targets == 1
    assert any_rc[:].targets == [0, 1]
    assert any_rc[::2].targets == [0]
    assert any_rc[[1, 0]].targets == [1, 0]


def test_client_as_context_manager():
    with ipp.Client(n=1, backend="threads") as client:
        assert client[0].apply_sync(lambda: 1) == 1
    with pytest.raises(RuntimeError):
        client.load_balanced_view().apply_async(int)


@pytest.mark.parametrize("module", ["error", "datapub", "client.client", "client.view", "client.asyncresult", "joblib"])
def test_module_paths(module):
    if module == "joblib":
        pytest.importorskip("joblib")
    importlib.import_module(f"gangline.views.{module}")


def test_cluster_life():
    cluster = ipp.Cluster(n=1)
    client = cluster.start_and_connect_sync()
    assert client.ids == [0]
    engine_set = cluster.start_engines_sync(1)
    client.wait_for_engines(2, timeout=60)
    assert len(client[:].apply_sync(lambda: 1)) == 2
    cluster.stop_engines_sync(engine_set)
    assert client.ids == [0]
    cluster.stop_cluster_sync()


def test_cluster_restart_engines(until):
    with ipp.Cluster(n=1) as client:
        client[0].push({"a": 1}, block=True)
        client.cluster.restart_engines_sync()
        until(lambda: len(client.ids) == 1 and client.ids != [0])
        with pytest.raises(ipp.RemoteError):
            client[client.ids[0]].pull("a", block=True)


def test_cluster_signal_engines(gate):
    import signal

    with ipp.Cluster(n=1) as client:
        ar = client[0].apply_async(gate.hold())
        gate.wait_for(1)
        client.cluster.signal_engines_sync(signal.SIGINT)
        with pytest.raises(ipp.RemoteError) as caught:
            ar.get(timeout=60)
        assert caught.value.ename == "KeyboardInterrupt"
        assert client[0].apply_sync(lambda: "lives") == "lives"


def test_cluster_with_async(gate):
    import asyncio

    async def main():
        async with ipp.Cluster(n=1) as client:
            return await client[0].apply_async(lambda: "async")

    assert asyncio.run(main()) == "async"
