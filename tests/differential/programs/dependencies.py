"""Functional dependencies, and Dependency as a set with a rule."""

import logging

import ipyparallel as ipp
from ipyparallel import depend, dependent, require
from transcript import expect, remote, show


def on_engine(number):
    return number == MY_NUMBER  # noqa: F821 - a name on the engine


def where():
    return MY_NUMBER  # noqa: F821 - a name on the engine


@depend(on_engine, 1)
def only_on_one(x):
    return (MY_NUMBER, x)  # noqa: F821 - a name on the engine


@require("colorsys", "json.decoder")
def needs_modules():
    return (colorsys.__name__, json.decoder.__name__)  # noqa: F821 - the decorator binds them


def helper(x):
    return x + 1000


@require(helper)
def needs_function(x):
    return helper(x)


@require(offset=17)
def needs_value(x):
    return x + offset  # noqa: F821 - the decorator binds it


@require("no_such_module_anywhere")
def needs_the_impossible():
    return "ran"


def unmet():
    from ipyparallel.error import UnmetDependency

    raise UnmetDependency("not here")


def functional(rc):
    for engine in rc.ids:
        rc[engine].push({"MY_NUMBER": engine}, block=True)
    view = rc.load_balanced_view()
    show("depend", [view.apply_sync(only_on_one, n) for n in range(4)])
    made = dependent(where, on_engine, 0)
    show("dependent", {view.apply_sync(made) for _ in range(4)})
    show("names", (made.__name__, type(made).__name__, type(only_on_one).__name__, only_on_one.__name__))
    show("parts", (made.dargs, made.dkwargs, made.f is where, made.df is on_engine))
    show("called here", made.f.__name__)
    for answer in (True, 1, "yes", [0]):
        show(f"answer {answer!r}", view.apply_sync(dependent(where, lambda a: a, answer)) in rc.ids)
    remote("the dependency fails", lambda: view.apply_sync(dependent(where, lambda: 1 / 0)), anywhere=True)


def required(rc):
    view = rc.load_balanced_view()
    show("modules", view.apply_sync(needs_modules))
    show("function", view.apply_sync(needs_function, 1))
    show("value", view.apply_sync(needs_value, 1))
    show("direct", rc[:].apply_sync(needs_function, 2))
    expect("wrong", lambda: require(3), TypeError)
    unmet_here = rc[0].apply_async(needs_the_impossible)
    unmet_here.wait(60)
    show("unmet through a direct view", (unmet_here.successful(), unmet_here.exception().ename))
    remote("raised through a direct view", lambda: rc[0].apply_sync(unmet))


def dependency_sets():
    one = ipp.Dependency(["a", "b"])
    show("a set", (isinstance(one, set), sorted(one), len(one), "a" in one))
    show("defaults", (one.all, one.success, one.failure))
    show("one id", sorted(ipp.Dependency("abc")))
    show("empty", (len(ipp.Dependency()), ipp.Dependency().check(set())))
    whole = one.as_dict()
    show("as_dict", (sorted(whole), sorted(whole["dependencies"]), whole["all"], whole["success"], whole["failure"]))
    back = ipp.Dependency(ipp.Dependency(["a"], all=False, success=False, failure=True).as_dict())
    show("from dict", (sorted(back), back.all, back.success, back.failure))
    expect("neither", lambda: ipp.Dependency(["a"], success=False, failure=False), ValueError)
    expect("wrong type", lambda: ipp.Dependency([3]), TypeError)
    for all_of in (True, False):
        for success, failure in ((True, False), (False, True), (True, True)):
            rule = ipp.Dependency(["a", "b"], all=all_of, success=success, failure=failure)
            label = f"all={all_of} success={success} failure={failure}"
            for completed, failed in (
                (set(), set()),
                ({"a"}, set()),
                (set(), {"a"}),
                ({"a", "b"}, set()),
                ({"a"}, {"b"}),
                (set(), {"a", "b"}),
            ):
                found = (rule.check(completed, failed), rule.unreachable(completed, failed))
                show(f"{label} completed={sorted(completed)} failed={sorted(failed)}", found)


dependency_sets()
with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    for part in (functional, required):
        print(f"== {part.__name__}")
        part(rc)
