"""V25, V26: what tasks print, display and publish; coroutines and generators."""

from __future__ import annotations

import logging

import pytest

import gangline.views as ipp


def test_v25_stdout_and_stderr(any_rc):
    def task(n):
        import sys

        print("out", n)
        sys.stdout.write("written")
        print("err", n, file=sys.stderr)
        return n

    ar = any_rc.load_balanced_view().apply_async(task, 4)
    assert ar.get(timeout=60) == 4
    assert ar.wait_for_output(60)
    assert ar.stdout == "out 4\nwritten"
    assert ar.stderr == "err 4\n"


def test_v25_each_task_has_its_own(any_rc):
    ars = [any_rc.load_balanced_view().apply_async(print, n) for n in range(20)]
    any_rc.wait(ars, timeout=60)
    assert [ar.stdout for ar in ars] == [f"{n}\n" for n in range(20)]


def test_v25_several_engines(any_rc):
    ar = any_rc[:].apply_async(print, "x")
    ar.get(timeout=60)
    assert ar.stdout == ["x\n", "x\n"]


def test_v25_failing_task_keeps_its_output(any_rc):
    def task():
        print("before")
        return 1 / 0

    ar = any_rc.load_balanced_view().apply_async(task)
    ar.wait(60)
    assert ar.stdout == "before\n"


def test_v25_live_where_the_user_watches(both_rc, gate, until):
    held = gate.hold()

    def task():
        from gangline.views.datapub import publish_data

        print("first", flush=True)
        publish_data({"step": 1})
        held()
        print("second")
        publish_data({"step": 2})

    ar = both_rc.load_balanced_view().apply_async(task)
    until(lambda: "first" in ar.stdout, what="the live output")
    until(lambda: ar.data.get("step") == 1, what="the live data")
    assert not ar.ready()
    gate.open()
    ar.get(timeout=60)
    assert ar.stdout == "first\nsecond\n"
    assert ar.data == {"step": 2}


def test_v25_stream_output(both_rc, gate, capsys, until):
    held = gate.hold()

    def task():
        print("streamed", flush=True)
        held()

    ar = both_rc[0].apply_async(task)
    shown = []
    with ar.stream_output():
        until(lambda: shown.append(capsys.readouterr().out) or "streamed" in "".join(shown))
        assert not ar.ready()
        gate.open()
        ar.get(timeout=60)


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
def test_v25_much_output(any_rc, size):
    ar = any_rc.load_balanced_view().apply_async(lambda: print("x" * size))
    ar.get(timeout=60)
    assert len(ar.stdout) == size + 1


def test_v25_unusual_text(any_rc):
    ar = any_rc.load_balanced_view().apply_async(lambda: print("é ☃ \x00 \udc80"))
    ar.wait(60)
    assert ar.successful()
    assert "é ☃" in ar.stdout


def test_v25_what_a_child_process_prints(rc):
    def task():
        import subprocess

        subprocess.run(["echo", "from a child"], check=True)
        return "done"

    assert rc.load_balanced_view().apply_async(task).get(timeout=60) == "done"


def test_v25_display(rc):
    pytest.importorskip("IPython")

    def task():
        from IPython.display import HTML, display

        display(HTML("<b>bold</b>"))

    ar = rc[0].apply_async(task)
    ar.get(timeout=60)
    (output,) = ar.outputs
    assert output["data"]["text/html"] == "<b>bold</b>"


def test_v25_displayed_again(rc, capsys):
    ar = rc[:].apply_async(print, "again")
    ar.get(timeout=60)
    ar.display_outputs()
    shown = capsys.readouterr().out
    assert shown.count("again") == 2
    assert "[stdout:0]" in shown
    assert "[stdout:1]" in shown


def test_v25_log_records_arrive_in_the_logger_here(rc, caplog):
    def task():
        import logging

        logging.getLogger("my.library").warning("watch %s", "out")

    with caplog.at_level(logging.INFO):
        rc.load_balanced_view().apply_async(task).get(timeout=60)
    assert any("watch out" in record.getMessage() for record in caplog.records)


def test_v25_published_data_of_several_calls(any_rc):
    def task():
        from gangline.views.datapub import publish_data

        publish_data({"a": 1, "b": [1]})
        publish_data({"a": 2})

    ar = any_rc.load_balanced_view().apply_async(task)
    ar.get(timeout=60)
    assert ar.data == {"a": 2, "b": [1]}


def test_v25_published_data_has_to_be_a_dict(any_rc):
    def task():
        from gangline.views.datapub import publish_data

        publish_data(3)

    with pytest.raises(TypeError):
        any_rc.load_balanced_view().apply_async(task).get(timeout=60)


def test_v26_coroutine_function(any_rc):
    async def task(x):
        import asyncio

        await asyncio.sleep(0)
        return 2 * x

    assert any_rc.load_balanced_view().apply_async(task, 4).get(timeout=60) == 8
    assert any_rc[:].apply_sync(task, 4) == [8, 8]
    assert any_rc.load_balanced_view().map_sync(task, range(3)) == [0, 2, 4]


def test_v26_coroutine_that_fails(any_rc):
    async def task():
        raise KeyError("in the coroutine")

    with pytest.raises(KeyError):
        any_rc.load_balanced_view().apply_async(task).get(timeout=60)


def test_v26_generator_is_delivered_as_a_list(any_rc):
    def task(n):
        yield from range(n)

    assert any_rc.load_balanced_view().apply_async(task, 4).get(timeout=60) == [0, 1, 2, 3]
    assert any_rc.load_balanced_view().apply_async(lambda: (c for c in "abc")).get(timeout=60) == ["a", "b", "c"]


def test_v26_generator_that_fails_half_way(any_rc):
    def task():
        yield 1
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        any_rc.load_balanced_view().apply_async(task).get(timeout=60)


def test_v26_asynchronous_generator(any_rc):
    async def task():
        for n in range(3):
            yield n

    ar = any_rc.load_balanced_view().apply_async(task)
    ar.wait(60)
    assert ar.successful()
    assert ar.get() == [0, 1, 2]


def test_data_of_a_task_that_published_nothing(any_rc):
    ar = any_rc.load_balanced_view().apply_async(int)
    ar.get(timeout=60)
    assert (ar.stdout, ar.stderr, ar.outputs, ar.data) == ("", "", [], {})


def test_datapub_outside_of_a_task():
    with pytest.raises((RuntimeError, ValueError)):
        ipp.datapub.publish_data({"a": 1})
