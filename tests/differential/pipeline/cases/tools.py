# ruff: noqa
# Programs as users write them, held short; see casebook.py. Lines are not checked: they are what is tested.

# === get names
@originate(["m1"])
def mainone(o):
    put(o)


p = Pipeline("p")
q = Pipeline("q")
p.originate(lambda o: put(o), ["a"], name="pa")
q.originate(lambda o: put(o), ["b"], name="qb")
attempt(pipeline_get_task_names)
run([], pipeline=p, verbose=3)
run([], pipeline="q", verbose=3)
printout(pipeline=p, verbose=3)
pipeline_printout_graph("x.dot", pipeline=p)
run(verbose=0)

# === cmdline parse
import argparse
from ruffus import cmdline

p = cmdline.get_argparse(description="DESC", version="V1.2", prog="PROG")
p.add_argument("-i", "--input_file")
print(p.format_help())
for a in (
    [],
    ["-v"],
    ["-vvv"],
    ["--verbose", "5"],
    ["-v", "5"],
    ["--verbose", "2", "--verbose"],
    ["--verbose", "3:4"],
    ["-v", "7", "--verbose", "+"],
    ["-T", "a", "-T", "b"],
    ["-j", "4"],
    ["-n"],
    ["--use_threads", "-j", "3"],
    ["--flowchart", "x.svg", "--flowchart_format", "png"],
    ["--key_legend_in_graph", "--draw_graph_horizontally"],
    ["--forced_tasks", "x", "--forced_tasks", "y"],
    ["--touch_files_only", "--recreate_database", "--checksum_file_name", "zz"],
    ["-L", "l.log"],
    ["--bogus"],
    ["--version"],
    ["-h"],
    ["--verbose", "x"],
    ["--verbose", ":3"],
    ["--verbose", "5", "6"],
):
    try:
        o = p.parse_args(a)
        print(a, sorted(vars(o).items()))
    except SystemExit as e:
        print(a, "EXIT", e.code)
    except BaseException as e:
        show_error(e)
for kw in [
    dict(ignored_args=["log_file", "version"]),
    dict(ignored_args=["verbose", "T", "n", "-j"]),
    dict(version="3"),
    dict(usage="uu", epilog="ee"),
]:
    p = cmdline.get_argparse(prog="PROG", **kw)
    print(p.format_help())
    attempt(lambda: sorted(vars(p.parse_args([]))))
q = argparse.ArgumentParser(prog="Q")
attempt(lambda: cmdline.append_to_argparse(q) is q)
print(q.format_help())
q = argparse.ArgumentParser(prog="Q")
attempt(lambda: cmdline.append_to_argparse(q, ignored_args=["jobs"]) is None)
print(q.format_help())

# === cmdline run
from ruffus import cmdline


@originate(["a", "b"])
def o1(o):
    put(o)


@transform(o1, formatter(), "{basename[0]}.x")
def t1(i, o):
    put(o)


@merge(t1, "m")
def m(i, o):
    put(o, repr(i))


def go(*a, **k):
    p = cmdline.get_argparse(prog="PROG")
    opt = p.parse_args(list(a))
    lg, mx = cmdline.setup_logging("n" + str(len(a)), opt.log_file, opt.verbose)
    print("##", a, k)
    sys.stdout.flush()
    try:
        cmdline.run(opt, **k)
    except BaseException as e:
        show_error(e)
    print(getattr(opt, "verbose", None), getattr(opt, "verbose_abbreviated_path", None))
    sys.stdout.flush()


go("-n")
go("-n", "-v", "5")
go("-n", "--verbose", "3:0")
go("-T", "t1", "-v", "3")
go("-j", "2", "-v")
go("-T", "m", "--forced_tasks", "t1", "-v", "3", "--use_threads")
go("--flowchart", "f.dot")
go(
    "--flowchart",
    "f2.dot",
    "--flowchart_format",
    "dot",
    "--key_legend_in_graph",
    "--draw_graph_horizontally",
    "-T",
    "t1",
)
go("--touch_files_only", "-v", "3")
for number, name in enumerate(("a", "b", "a.x", "b.x", "m")):
    os.utime(name, (OLD + number, OLD + number))
go("--recreate_database", "-v", "3")
go("-n", "--forced_tasks", "t1", "-v", "3")
go("-T", "zz")
go("-v", "3", multithread=2)
go("--forced_tasks", "m", "-v", "3", logger=Ear())
go("--checksum_file_name", "hist.sqlite", "-v", "6")
print(os.path.exists("hist.sqlite"))
os.unlink("m")
go("-v", "1", pipeline="main")
# === cmdline helper
from ruffus import cmdline


class O:
    pass


for v in ([None], ["+"], ["+", "+"], ["5"], ["5", "+"], ["3:4"], [":3"], []):
    o = O()
    o.verbose = v
    attempt(cmdline.handle_verbose, o)
    print(getattr(o, "verbose", None), getattr(o, "verbose_abbreviated_path", None))
o = O()
attempt(cmdline.handle_verbose, o)
print(vars(o))

# === loggers
for lg in (black_hole_logger, stderr_logger):
    for m in ("info", "debug", "warning", "error"):
        attempt(lambda: getattr(lg, m)("text %s" % m))


@originate(["a"])
def a(o):
    put(o)


import logging

l = logging.getLogger("x")
l.setLevel(10)
h = logging.StreamHandler(sys.stdout)
l.addHandler(h)
pipeline_run(logger=l, verbose=3)
pipeline_run(logger=l, verbose=6)
pipeline_run(verbose=6)
pipeline_run(verbose=6, logger=black_hole_logger)
pipeline_run()
pipeline_run(verbose=None)

# === exceptions classes
import ruffus.ruffus_exceptions as E
import pickle

for n in sorted(dir(E)):
    c = getattr(E, n)
    if (
        isinstance(c, type)
        and issubclass(c, BaseException)
        and c.__module__.endswith("ruffus_exceptions")
        and n not in ("JobException", "GanglineError")
    ):
        print(n, [b.__name__ for b in c.__mro__ if b.__module__.endswith("ruffus_exceptions")])
        for a in (("text",), ()):
            try:
                x = c(*a)
                print("   ", str(x).strip().split("\n"), x.args)
            except BaseException as e:
                print("   ", type(e).__name__, e)
        try:
            print("   P", str(pickle.loads(pickle.dumps(c("text")))).strip())
        except BaseException as e:
            print("   P", type(e).__name__)
        try:
            x = c("text")
            x.specify_task("tt", "more")
            print("   S", str(x).strip().split("\n"))
        except BaseException as e:
            print("   S", type(e).__name__, e)
e = E.RethrownJobError([("t", "j", "exc.Name", "(val)", "Traceback\n  x")])
print(str(e))
print(len(e), e.args, e.job_exceptions)
e.append(("t2", "j2", "n2", "v2", "tb2"))
print(len(e))
print(e.get_nth_exception_str(0))
print(e.get_nth_exception_str())
print(e.task_to_func_name("x")) if 0 else None
e = E.RethrownJobError()
print(len(e), bool(e))
print(str(e))
e = pickle.loads(pickle.dumps(E.RethrownJobError([("t", "j", "exc.Name", "(val)", "Traceback\n  x")])))
print(e.args)

# === needs_update
put_old("a", "b")
put("c")


class T:
    checksum_level = 0


for a in (
    ("a", "b"),
    ("b", "a"),
    ("a", "nope"),
    ("nope", "a"),
    ("a",),
    (),
    (None, "a"),
    (None, "nope"),
    ("a", []),
    ("a", None),
    ([], "a"),
    (["a", "c"], ["b"]),
    (["a", ["b"]], "c"),
):
    print(a)
    attempt(lambda: needs_update_check_modify_time(*a, task=T(), job_history={}, verbose_abbreviated_path=0))
    attempt(
        lambda: needs_update_check_modify_time(
            *a, task=T(), job_history={}, verbose_abbreviated_path=2, return_file_dates_when_uptodate=True
        )
    )

# === register_cleanup
attempt(lambda: register_cleanup("f", "x"))
attempt(lambda: register_cleanup())
attempt(lambda: str(suffix("x")))
attempt(lambda: repr(regex("x"))[:10])
for c in (suffix, regex, formatter, inputs, add_inputs, combine, output_from, touch_file, runtime_parameter):
    x = c("x")
    print(c.__name__, x.args, [n for n in dir(x) if not n.startswith("_")], str(x) if 0 else "")

# === multiprocess
put_old("a.1", "b.1")


@transform("*.1", suffix(".1"), ".2", [1])
def s(i, o, x):
    put(o, str(x))


@posttask(touch_file("done"))
@merge(s, "m")
def m(i, o):
    put(o, repr(i))


run(multiprocess=3, verbose=3)


@transform("*.1", suffix(".1"), ".3")
def bad(i, o):
    raise ValueError(i)


e = Ear()
try:
    pipeline_run([bad], multiprocess=2, verbose=3, logger=e)
except RethrownJobError as x:
    print(len(x.job_exceptions) > 0, sorted(set(r[2] for r in x.job_exceptions)))
print(os.getpid() == os.getpid())

# === bare decorators mixed
put_old("a.1", "b.1")


@follows(mkdir("o"))
@jobs_limit(1)
@graphviz(height=3)
@posttask(lambda: print("pt"))
@transform(
    input="*.1", filter=formatter(), output="o/{basename[0]}.x", extras=["{basename[0]}", 3], add_inputs=("b.1",)
)
@active_if(True)
def s(i, o, *x):
    """A doc
    string"""
    print(i, o, x)
    put(o)


@transform(input=s, filter=regex(r"o/(.)\.x"), replace_inputs=r"\1.1", output=r"\1.y", extras={"kk": r"\1"})
def s2(i, o, kk=None):
    put(o)


@(
    collate(input=[s, s2], filter=regex(r".*(.)\..$"), output=r"\1.all", extras=[r"\1"], name="ignored")
    if 0
    else collate(input=[s, s2], filter=regex(r".*(.)\..$"), output=r"\1.all", extras=[r"\1"])
)
def c(i, o, x):
    print(i, o, x)
    put(o)


for f in (s, s2, c):
    printout([f], verbose=5)
    run([f], verbose=3)

# === pipeline methods keyword
put_old("a.1", "b.1")
p = Pipeline("p")


def w(*a, **k):
    print(a, k)
    put(a[1] if len(a) > 1 else a[0])


w.__name__ = "w"
x = (
    p.transform(name="x", task_func=w, input=["a.1", "b.1"], filter=suffix(".1"), output=".2")
    .follows(p.mkdir("zz", name="mk"))
    .posttask(touch_file("tf"))
    .jobs_limit(2)
    .graphviz(color="red")
    .mkdir("mm", "nn")
)
y = p.merge(name="y", task_func=w, input=[x, "a.1"], output="y.out", extras=["e.1"])
z = p.split(name="z", task_func=w, input=y, output=["z.out"])
u = p.subdivide(name="u", task_func=w, input=z, filter=formatter(), output=["{basename[0]}.u"], extras=["u.u"])
v = (
    p.collate("echo hi", name="v", input=x, filter=formatter(), output="v.out")
    if 0
    else p.collate(name="v", task_func=w, input=x, filter=formatter(), output="v.out")
)
fr = 3
pl = p.parallel(lambda *a: print("par", a), [[1, 2]], name="par")
ck = p.originate(name="ck", task_func=w, output=["ck.o"]).check_if_uptodate(lambda *a: (True, "always"))
e = Ear()
try:
    p.run(logger=e, verbose=3)
except BaseException as E_:
    show_error(E_)
print("\n".join(sorted(e.heard)))
