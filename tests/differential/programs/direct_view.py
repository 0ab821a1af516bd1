"""The direct view: names on the engines, data that is moved, code that is run."""

import logging

import ipyparallel as ipp
from transcript import expect, remote, show, written


def read_globals():
    return a + b  # noqa: F821 - names on the engine


@ipp.interactive
def interactive_read():
    return a * 100  # noqa: F821 - a name on the engine


def assign_global():
    global made_there
    made_there = 17


def echo(value):
    return value


def views(rc):
    show("reprs", (rc[0], rc[:], rc[::2], rc[[1, 0]], rc[-1]))
    show("targets", (rc[0].targets, rc[:].targets, rc[::2].targets, rc[[1, 0]].targets, rc[-1].targets))
    show("lens", (len(rc), len(rc[0]), len(rc[:]), len(rc[::2])))
    show("ids", (rc.ids, [view.targets for view in rc]))
    show("all", (rc.direct_view().targets, len(rc.direct_view()), rc.direct_view([1]).targets))
    show("block inherits", (rc.block, rc[:].block))
    expect("no such engine", lambda: rc[99], IndexError)
    expect("wrong key", lambda: rc["a"], TypeError)
    expect("no such target", lambda: rc.direct_view(99).apply_sync(int), Exception)
    view = rc[:]
    show("set_flags returns the view", view.set_flags(block=True) is view)
    show("flag", view.block)
    expect("unknown flag", lambda: view.set_flags(nonsense=1), KeyError)
    with view.temp_flags(block=False, targets=[1]):
        show("inside", (view.block, view.targets))
    show("outside", (view.block, view.targets))


def names(rc):
    view = rc[:]
    view.push({"a": 3, "b": 4}, block=True)
    show("pull one", view.pull("a", block=True))
    show("pull several", view.pull(["a", "b"], block=True))
    show("pull tuple", view.pull(("b", "a"), block=True))
    show("pull async", type(view.pull("a")).__name__)
    show("get", view.get("b"))
    show("item", view["a"])
    view["c"] = [1, 2]
    show("set item", view["c"])
    view.update({"d": "text"}).get(timeout=60)
    show("update", view["d"])
    show("one engine", (rc[0]["a"], rc[1].get("b"), rc[0].pull(["a", "b"], block=True)))
    rc[1].push({"a": 30}, block=True)
    show("they differ", view["a"])
    show("targets by keyword", view.pull("a", targets=1, block=True))
    show("targets as list", view.pull("a", targets=[1], block=True))
    remote("missing", lambda: rc[0]["nowhere"])
    expect("missing everywhere", lambda: view["nowhere"], ipp.CompositeError)
    expect("push something else", lambda: view.push([1]), TypeError)
    expect("pull something else", lambda: view.pull(3), TypeError)
    expect("pull a list of something else", lambda: view.pull([3]), TypeError)


def functions_see_names(rc):
    view = rc[:]
    view.push({"a": 1, "b": 2}, block=True)
    show("function", view.apply_sync(read_globals))
    show("lambda", view.apply_sync(lambda: a + b))  # noqa: F821 - names on the engine
    show("interactive", view.apply_sync(interactive_read))
    view.apply_sync(assign_global)
    show("made by a function", view["made_there"])
    view.push({"double": lambda x: 2 * x}, block=True)
    show("pushed function", view.apply_sync(lambda: double(a)))  # noqa: F821 - names on the engine
    view.execute("def triple(x): return 3 * x", block=True)
    show("executed function", view.apply_sync(lambda: triple(b)))  # noqa: F821 - names on the engine


def references(rc):
    view = rc[:]
    rc[0].push({"mine": 10}, block=True)
    rc[1].push({"mine": 20}, block=True)
    show("argument", view.apply_sync(echo, ipp.Reference("mine")))
    show("keyword", view.apply_sync(echo, value=ipp.Reference("mine")))
    show("inside a list", view.apply_sync(echo, [ipp.Reference("mine")]) == [[10], [20]])
    show("expression", view.apply_sync(echo, ipp.Reference("mine + 1")))
    view.push({"copy_of_mine": ipp.Reference("mine")}, block=True)
    show("pushed", view["copy_of_mine"])
    remote("missing", lambda: rc[0].apply_sync(echo, ipp.Reference("nothing_there")))
    show("repr and str", (ipp.Reference("mine").name, repr(ipp.Reference("mine"))))
    expect("not a name", lambda: ipp.Reference(3), TypeError)


def scattered(rc):
    view = rc[:]
    view.scatter("x", list(range(10)), block=True)
    show("scatter", [list(part) for part in view["x"]])
    show("gather", view.gather("x", block=True))
    show("gather async", type(view.gather("x")).__name__)
    view.scatter("y", [1, 2], flatten=True, block=True)
    show("flatten", view["y"])
    view.scatter("z", list(range(7)), dist="r", block=True)
    show("round robin", view["z"])
    show("gathered again", view.gather("z", dist="r", block=True))
    view.scatter("few", [1], block=True)
    show("fewer items than engines", view["few"])
    view.scatter("word", "abcd", block=True)
    show("string", view["word"])
    ar = view.scatter("later", list(range(4)))
    show("scatter async", (type(ar).__name__, ar.get(timeout=60)))
    view.execute("x = [2 * n for n in x]", block=True)
    show("after work", view.gather("x").get(timeout=60))
    show("iterated", list(view.gather("x")))
    view.scatter("only", [5, 6], targets=[1], block=True)
    show("targets", rc[1]["only"])


def code(rc):
    view = rc[:]
    show("execute", type(view.execute("e = 5")).__name__)
    view.execute("e += 1", block=True)
    show("result", view["e"])
    remote("error", lambda: view.execute("1 / 0", block=True))
    expect("syntax error", lambda: rc[0].execute("1 +", block=True), ipp.RemoteError)
    remote("on one", lambda: rc[1].execute("raise KeyError('k')").get(timeout=60))
    view.execute("import math\nroot = math.sqrt(2)", block=True)
    show("several lines", [round(root, 3) for root in view["root"]])
    with written("from_file = 12\nif True:\n    also = from_file + 1\n    ") as name:
        view.run(name, block=True)
    show("run", view.pull(["from_file", "also"], block=True))
    expect("no such file", lambda: view.run("/no/such/file.py"), FileNotFoundError)
    view.clear(block=True)
    remote("cleared", lambda: rc[0]["e"])


def imports(rc):
    global colorsys, Fraction
    view = rc[:]
    with view.sync_imports(quiet=True):
        import colorsys
    show("imported there", view.apply_sync(lambda: colorsys.__name__))
    show("imported here", colorsys.__name__)
    with view.importer:
        from fractions import Fraction
    show("name there", view.apply_sync(lambda: str(Fraction(1, 3))))
    show("in the namespace", rc[0].apply_sync(lambda: "Fraction" in globals()))

    def absent():
        with view.sync_imports(quiet=True):
            import no_such_module_anywhere  # noqa: F401

    expect("absent here", absent, ImportError)


def values(rc):
    show(
        "kinds",
        [rc[0].apply_sync(echo, one) for one in (None, True, 1.5, 2j, b"x", "é", (1,), {2}, {3: 4}, ..., range(3))],
    )
    show("class", rc[0].apply_sync(echo, dict))
    show("function as argument", rc[0].apply_sync(lambda f: f(3), lambda x: x + 1))
    show("function as result", rc[0].apply_sync(lambda: __import__("operator").add)(1, 2))
    show("args and kwargs", rc[0].apply_sync(lambda *args, **kwargs: (args, kwargs), 1, 2, x=3))
    show("names of parameters", rc[0].apply_sync(lambda f, args, block: (f, args, block), f=1, args=2, block=4))
    big = bytes(range(256)) * 4096
    show("bytes", rc[0].apply_sync(lambda data: (len(data), data[-1]), big))
    show("bytes back", rc[0].apply_sync(echo, big) == big)


with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    for part in (views, names, functions_see_names, references, scattered, code, imports, values):
        print(f"== {part.__name__}")
        part(rc)
