# ruff: noqa
# Programs as users write them, held short; see casebook.py. Lines are not checked: they are what is tested.

# === not made variants
put_old("a.1", "b.1")


@transform("*.1", suffix(".1"), ".2")
def s(i, o):
    print("s", i)


@follows(s)
@files(None, "flag")
def f(i, o):
    print("f")


@parallel([[None, "x"]])
@follows(f)
def g(*a):
    print("g")


run([g], verbose=0)
run([g], verbose=0)
printout([g], verbose=4)


# === in main process
@parallel([[1], [2]])
@run_in_main_process()
def mainp(n):
    put("pid%d" % n, str(os.getpid() == PID))


PID = os.getpid()
run([mainp], multiprocess=2, verbose=3)


@run_in_main_process()
@originate(["x", "y"])
def mp(o):
    put(o, str(os.getpid() == PID))


@transform(mp, suffix(""), ".z")
def after(i, o):
    put(o, str(os.getpid() == PID))


run([after], multiprocess=2, verbose=3)

# === proxy logger 2
from ruffus.proxy_logger import *

args = {
    "file_name": "a.log",
    "level": 10,
    "rotating": True,
    "formatter": "%(name)s %(levelname)s %(message)s",
    "maxBytes": 20000,
    "backupCount": 10,
    "delay": True,
}
lg, mx = make_shared_logger_and_proxy(setup_std_shared_logger, "nam", args)
with mx:
    lg.info("i")
    lg.debug("d")
    lg.warning("w")
    lg.error("e")
    lg.critical("c")
    lg.log(20, "l")
    attempt(lambda: lg.info("a %s %d", "x", 3))
lg2, mx2 = make_shared_logger_and_proxy(setup_std_shared_logger, "nam2", {"file_name": "b.log"})
lg2.info("i")
lg2.debug("d")
lg2.warning("w")
print(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+", "TS", get("b.log")))
lg3, mx3 = make_shared_logger_and_proxy(setup_std_shared_logger, "nam6", {"file_name": "d.log", "level": 30})
lg3.info("no")
lg3.warning("yes")


@originate(["x", "y"], lg, mx)
def o(out, lg, mx):
    with mx:
        lg.info("in job")
    put(out)


run(verbose=1, multiprocess=2)
run(verbose=1, multithread=2)
print(get("a.log"))

# === dbdict 2
from ruffus import dbdict

for pv in (False, True):
    n = "d%d.db" % pv
    d = dbdict.open(n, picklevalues=pv)
    d["a"] = 1
    d["b"] = "text"
    d["c"] = [1, 2] if pv else 2.5
    print(sorted(d.keys()), len(d), "a" in d, d["a"], sorted(d.items(), key=str), sorted(map(str, d.values())))
    attempt(lambda: d["zz"])
    del d["a"]
    attempt(lambda: d.pop("b"))
    attempt(lambda: d.setdefault("q", 4))
    attempt(lambda: d.update({"r": 5}, s=6))
    print(sorted(iter(d)))
    attempt(lambda: bool(d))
    attempt(lambda: type(d).__name__)
    attempt(lambda: list(d.iteritems()) == list(d.items()))
    attempt(lambda: sorted(d.iterkeys()))
    attempt(lambda: d.popitem() and 1)
    attempt(lambda: d.clear())
    print(len(d))
    d["k"] = "bytes"
    d["k2"] = 1
    d.vacuum() if hasattr(d, "vacuum") else 0
    d.close()
    d = dbdict.open(n, picklevalues=pv)
    print(dict(d))
    attempt(lambda: d.__setitem__(3, 4))
    print(list(d.keys()))
    d.close()
d = dbdict.open(":memory:", picklevalues=True)
d["x"] = (1, {"y": 2})
print(d["x"], list(d))
print([n for n in dir(dbdict) if not n.startswith("_") and n in ("open", "DbDict", "dbdict")])

# === signals
put_old("a.1")


@transform("a.1", suffix(".1"), ".2")
def s(i, o):
    put(o)
    raise JobSignalledBreak


run(verbose=3)


@transform("a.1", suffix(".1"), ".3")
def s2(i, o):
    put(o)
    raise SystemExit(2)


run([s2], verbose=3)

# === history contents
from ruffus.ruffus_utility import *

put_old("a.1")


@transform("a.1", suffix(".1"), [".2", ".3"], "x")
def s(i, o, x):
    put(o)


run(verbose=0)
h = open_job_history(None)
print(sorted(h))
for k in sorted(h):
    v = h[k]
    print(
        k,
        type(v).__name__,
        v.outfile,
        v.chksum_params,
        len(v.chksum_func),
        abs(v.mtime - os.path.getmtime(k)) < 1.2,
        len(str(v)),
        sorted(vars(v)),
    )
print(get_history_file_path("x/y", h), get_history_file_path(os.path.abspath("a.2"), h))
run(verbose=0, history_file="other.sqlite")
h = open_job_history("other.sqlite")
print(sorted(h))
os.environ["DEFAULT_RUFFUS_CHECKSUM_LEVEL"] = "3"
print(get_default_checksum_level())
attempt(run, verbose=0)
# === utility
import ruffus.ruffus_utility as U


class TT:
    user_defined_work_func = None
    _name = "T"


def wf(i, o):
    return 3


x = TT()
x.user_defined_work_func = wf
j = U.JobHistoryChecksum("out.txt", 12345.0, ["p"], x)
print(str(j), j.chksum_params, j.outfile, j.mtime)
for v in ("a", "a*", ["a", ["b", ("c",)]], {"k": "v"}, None, 3, [], set(["q"])):
    for n in (
        "get_strings_in_flattened_sequence",
        "get_first_string_in_nested_sequence",
        "non_str_sequence",
        "ignore_unknown_encoder",
        "shorten_filenames_encoder",
    ):
        print(n, v)
        attempt(getattr(U, n), v)
for v in ("a", "a*", "a?b", "[x]", ""):
    attempt(U.is_glob, v)
for v in ("/a/b/c.txt", "a.b.c", ".hid", "/", "a/", "", "x/../y.z", "/a.b/.c.d", "..", "./q"):
    attempt(U.path_decomposition, v)
for v in (["a"], [], None):
    attempt(U.parameter_list_as_string, v)
for n in (0, 1, 2, 3, -5, -30):
    attempt(lambda: U.shorten_filenames_encoder(["/a/b/c/d/e.txt", "x/y/z.q", "q"], n))

# === pickle exceptions
import pickle

put_old("a.1")


@transform("a.1", suffix(".1"), ".2")
def s(i, o):
    raise ValueError("x")


try:
    pipeline_run(verbose=0)
except RethrownJobError as e:
    f = pickle.loads(pickle.dumps(e))
    print(
        type(f).__name__,
        len(f),
        f.args and len(f.args),
        f.job_exceptions == e.job_exceptions,
        [r[:4] for r in f.job_exceptions],
    )

# === unicode and brackets
for n in ("ä ö.1", "b[1].1", "c(2).1", "d'q.1"):
    put(n)


@transform(["ä ö.1", "b[1].1", "c(2).1", "d'q.1"], suffix(".1"), ".2")
def s(i, o):
    put(o)


@transform(s, regex(r"(.*)\.2$"), r"\1.3")
def s2(i, o):
    put(o)


@transform(s2, formatter(), "{path[0]}/{basename[0]}.4")
def s3(i, o):
    put(o)


@merge(s3, "mé")
def m(i, o):
    put(o, str(len(i)))


printout([m], verbose=5)
run([m], verbose=3)
run([m], verbose=6)

# === symlink
put_old("real.1")
os.symlink("real.1", "l.1")
os.symlink("gone", "b.1")


@transform("l.1", suffix(".1"), ".2")
def s(i, o):
    os.symlink("real.1", o)


@transform(s, suffix(".2"), ".3")
def s2(i, o):
    put(o)


@transform("b.1", suffix(".1"), ".4")
def s3(i, o):
    put(o)


printout([s2], verbose=5)
run([s2], verbose=3)
run([s2], verbose=6)

# === gnu make modes
put_old("a.1")


@transform("a.1", suffix(".1"), ".2")
def s(i, o):
    put(o)


@transform(s, suffix(".2"), ".3")
def s2(i, o):
    put(o)


@transform(s2, suffix(".3"), ".4")
def s3(i, o):
    put(o)


run(verbose=0)
os.unlink("a.2")
for g in (True, False):
    printout([s3], verbose=6, gnu_make_maximal_rebuild_mode=g)
run([s3], verbose=6, gnu_make_maximal_rebuild_mode=False)
os.unlink("a.3")
printout([s3], verbose=6, gnu_make_maximal_rebuild_mode=False)
run([s3], verbose=6, gnu_make_maximal_rebuild_mode=False)
os.utime("a.1")
printout([s3], verbose=6, gnu_make_maximal_rebuild_mode=False)
printout([s3], [s], verbose=6, gnu_make_maximal_rebuild_mode=False)
run([s3], [s2], verbose=3, gnu_make_maximal_rebuild_mode=False)
printout([s2], [s3], verbose=3)
printout([], [s3], verbose=3)
printout([s], [s3], verbose=3)

# === levels func change
put_old("a.1")


def mk(k, ex):
    p = Pipeline("p%d" % k)
    if k < 2:

        def w(i, o, *x):
            put(o)
    else:

        def w(i, o, *x):
            put(o)
            q = 3

    p.transform(w, "a.1", suffix(".1"), ".2", ex, name="w")
    return p


mk(0, "e").run(verbose=0)
for k, ex in ((1, "e"), (2, "e"), (3, "f")):
    p = mk(k, ex)
    for lv in range(4):
        s = io.StringIO()
        p.printout(s, verbose=7, checksum_level=lv)
        print(k, ex, lv, s.getvalue())

# === output dirs as outputs
put_old("a.1")


@transform("a.1", suffix(".1"), ".d")
def s(i, o):
    os.mkdir(o)


@transform(s, suffix(".d"), ".e")
def s2(i, o):
    put(o)


run(verbose=3)
run(verbose=6)


# === not string inputs
class O:
    def __repr__(s):
        return "<O object at 3>"


@parallel([[O(), 1], [[2, {"a": O()}], None]])
def p1(*a):
    print("x")


@files([[None, None, O()]])
def f(*a):
    print("f")


printout([p1], verbose=5)
printout([f], verbose=5)
run([p1], verbose=3)
run([f], verbose=3)


@originate([1, 2.5, None])
def o(*a):
    print(a)


printout([o], verbose=5)
run([o], verbose=3)


@transform([1, ("a", 3)], formatter(), "x")
def tt(*a):
    print(a)


printout([tt], verbose=5)
run([tt], verbose=3)
