"""What tasks and executed code print, display, publish and answer."""

import contextlib
import logging
import sys

import ipyparallel as ipp
from transcript import expect, say, show


def noisy(n):
    import sys

    print("out", n)
    print("err", n, file=sys.stderr)
    print("out again", end="")
    return n


def publishing(n):
    from ipyparallel.datapub import publish_data

    publish_data({"step": n, "done": False})
    publish_data({"done": True})


def displaying():
    from IPython.display import HTML, display

    display(HTML("<b>bold</b>"))
    display({"a": 1})


def finish(ar):
    ar.wait(60)
    ar.wait_for_output(60)
    return ar


def texts(rc):
    ar = finish(rc[0].apply_async(noisy, 1))
    show("stdout", ar.stdout)
    show("stderr", ar.stderr)
    show("outputs", ar.outputs)
    ar = finish(rc[:].apply_async(noisy, 2))
    show("of all", (ar.stdout, ar.stderr))
    ar = finish(rc.load_balanced_view().map_async(noisy, range(3)))
    show("of a map", ar.stdout)


def answers(rc):
    ar = finish(rc[0].execute("6 * 7", silent=False))
    show("reply", ar.get())
    show("type", type(ar.get()).__name__)
    show("data", ar.get().data)
    show("fields", (ar.get().stdout, ar.get()["status"], ar.get().engine_id))
    expect("unknown field", lambda: ar.get().nonsense, AttributeError)
    show("execute_result", ar.execute_result["data"])
    show("execute_input", ar.execute_input)
    ar = finish(rc[:].execute("'text' * 3", silent=False))
    show("replies", [reply.data for reply in ar.get()])
    ar = finish(rc[0].execute("x = 5\nprint(x)", silent=False))
    show("no answer", (ar.get().data, ar.stdout))
    ar = finish(rc[0].execute("'y' * 40", silent=False))
    show("long", repr(ar.get()).partition(": ")[2])
    ar = finish(rc[0].execute("11"))
    show("silent", ar.execute_result)


def displays(rc):
    ar = finish(rc[0].apply_async(displaying))
    show("outputs", [one["data"] for one in ar.outputs])
    ar = finish(rc[:].execute("from IPython.display import display\ndisplay(3)", silent=False))
    show("of all", [[one["data"] for one in outputs] for outputs in ar.outputs])


def printed(rc):
    with contextlib.redirect_stderr(sys.stdout):
        _printed(rc)


def _printed(rc):
    ar = finish(rc[0].apply_async(noisy, 5))
    print("one task")
    ar.display_outputs()
    ar = finish(rc[:].apply_async(noisy, 6))
    for groupby in ("type", "engine", "order"):
        print("grouped by", groupby)
        ar.display_outputs(groupby)
    expect("grouped by nonsense", lambda: ar.display_outputs("nonsense"), ValueError)


def published(rc):
    ar = finish(rc[0].apply_async(publishing, 4))
    show("data", sorted(ar.data.items()))
    ar = finish(rc[:].apply_async(publishing, 5))
    show("of all", [sorted(data.items()) for data in ar.data])


def failing(rc):
    ar = finish(rc[0].execute("print('before')\nraise ValueError('v')", silent=False))
    show("stdout of a failure", ar.stdout)
    show("error", (ar.error.ename, ar.error.evalue) if ar.error else None)
    ar = finish(rc[0].apply_async(lambda: [print("said"), 1 / 0]))
    show("stdout of a failed task", ar.stdout)
    say("status", ar.status)


with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    for part in (texts, answers, displays, printed, published, failing):
        print(f"== {part.__name__}")
        part(rc)
