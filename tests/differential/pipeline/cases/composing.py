# ruff: noqa
# Programs as users write them, held short; see casebook.py. Lines are not checked: they are what is tested.

# === clone subpipelines
def mk(n, src):
    p = Pipeline(n)
    p.transform(name="t1", task_func=lambda i, o: put(o), input=None, filter=suffix(".1"), output=".2").mkdir("d")
    p.merge(task_func=lambda i, o: put(o, repr(i)), name="m", input=output_from("t1"), output="%s.all" % n)
    p.set_head_tasks([p["t1"]])
    p.set_tail_tasks([p["m"]])
    return p


put_old("a.1", "b.1")
p = mk("p", None)
q = p.clone(new_name="q")
p.set_input(input=["a.1", "b.1"])
q.set_input(input="*.1")
q["m"].set_output if hasattr(q["m"], "set_output") else None
r = Pipeline("r")
r.merge(lambda i, o: put(o, repr(i)), [p, q], "final", name="fin").follows("q::m")
for v in (1, 3):
    attempt(lambda: r.printout(sys.stdout, verbose=v)) if v == 9 else None
s = io.StringIO()
r.printout(s, verbose=3, target_tasks=["fin"])
print("Tasks" in s.getvalue(), "fin" in s.getvalue())
e = Ear()
r.run(verbose=0, logger=e)
attempt(lambda: p.set_input(3))
attempt(lambda: p.set_input(foo=3))
attempt(lambda: p.set_output(output=3))
attempt(lambda: p["t1"].set_input(inputs=3))
attempt(lambda: p["t1"].set_output(output=3))
attempt(lambda: p["t1"].set_input(input="x", y=2))
# === set_input glob and output
p = Pipeline("p")
o = p.originate(lambda o: put(o), name="o", output=["x"])
o.set_output(output=["y", "z"])
tr = p.transform(lambda i, o: put(o), name="tr", input="*.none", filter=formatter(), output="{basename[0]}.tr")
tr.set_input(input=o)
pr = p.product(
    lambda i, o: put(o),
    name="pr",
    input="a",
    filter=formatter(),
    input2="b",
    filter2=formatter(),
    output="{basename[0][0]}{basename[1][0]}.pr",
)
pr.set_input(input=o, input2=tr)
attempt(lambda: pr.set_input(input3=4))
attempt(lambda: o.set_output())
attempt(lambda: tr.set_input())
p.run(verbose=0)
# === lookup
p = Pipeline("p")


def f(o):
    put(o)


p.originate(f, ["a"], name="one")
p.originate(f, ["b"], name="two")
attempt(lambda: pipeline_run([f], verbose=0))
attempt(lambda: pipeline_run(["f"], verbose=0))
attempt(lambda: pipeline_run(["p::one"], verbose=0))
attempt(lambda: pipeline_run(["one"], pipeline="p", verbose=0))
attempt(lambda: pipeline_run(["q::one"], verbose=0))
attempt(lambda: pipeline_run(["p::none"], verbose=0))
attempt(lambda: pipeline_run(["p"], verbose=0))
attempt(lambda: pipeline_run([p], verbose=0))
attempt(lambda: pipeline_run(["two"], verbose=0))
attempt(lambda: lookup_pipeline("p") is p)
attempt(lambda: lookup_pipeline(None).name)
attempt(lambda: lookup_pipeline("main").name)
attempt(lambda: lookup_pipeline(3))
attempt(lambda: p.lookup_task_from_name("f", "__main__"))

# === mkdir forms
put_old("a.1", "b.1")


@mkdir("m0")
@mkdir("*.1", formatter(), "m1/{basename[0]}")
@follows(mkdir("m2/deep", "m3"), mkdir("*.1", suffix(".1"), ".dir"))
@transform("*.1", suffix(".1"), ".2")
def s(i, o):
    put(o)


@mkdir(input="*.1", filter=regex(r"(.)\.1"), output=[r"r/\1", "r2"])
@transform(s, suffix(".2"), ".3")
def s2(i, o):
    put(o)


@follows(mkdir(["l1", "l2"]))
@follows(s2)
def s3():
    put("s3")


for f in (s, s2, s3):
    for v in (1, 2, 3, 4, 5, 6, 10):
        printout([f], verbose=v)
    run([f], verbose=3)
    for v in (1, 4, 6):
        printout([f], verbose=v)
p = Pipeline("p")
p.mkdir("pm1", "pm2")
p.mkdir("pm3", name="MK").follows("mkdir")
p.mkdir(input="*.1", filter=formatter(), output="pmf/{basename[0]}", name="MF")
s = io.StringIO()
p.printout(s, ["MK", "MF"], verbose=5)
print("\n".join(sorted(s.getvalue().split("\n"))))
p.run(verbose=0)
p.run(verbose=0)
s = io.StringIO()
p.printout(s, ["MK"], verbose=5)
print("\n".join(s.getvalue().split("\n")))

# === mkdir over file
put("m")


@mkdir("m")
@originate(["x"])
def s(o):
    put(o)


run(verbose=3)

# === split variants
put_old("a.1", "b.1")


@split("*.1", ["*.s", "fixed.s2"], "ex", 3)
def s1(i, o, *x):
    print(i, o, x)
    put("q.s")
    put("r.s")
    put("fixed.s2")


@split(s1, "*.t")
def s2(i, o):
    print(i, o)
    [put(n + ".t") for n in "abc"]


@split(None, ["n1", "n2"])
def s3(i, o):
    print(i, o)
    put(o)


@split("a.1", [["g*.u", "v"]])
def s4(i, o):
    print(i, o)
    put("g1.u")
    put("v")


@transform([s1, s3, s4], formatter(), "{basename[0]}.z")
def tr(i, o):
    print(i, o)
    put(o)


@split("nope*", ["*.nope"])
def s5(i, o):
    print(i, o)


@split([], ["*.nope2"])
def s6(i, o):
    print(i, o)


for q in (s1, s2, s3, s4, s5, s6, tr):
    print("==", q.__name__)
    printout([q], verbose=5)
    run([q], verbose=5)
    printout([q], verbose=5)

# === subdivide variants
put_old("a.1", "b.1")


@subdivide("*.1", suffix(".1"), [".*.s", ".fix"], ".ex")
def s1(i, o, *x):
    print(i, o, x)
    b = i[0]
    put(b + ".1.s")
    put(b + ".2.s")
    put(b + ".fix")


@subdivide("*.1", regex("(.)"), r"\1.*.t", r"\1")
def s2(i, o, *x):
    print(i, o, x)
    put(i[0] + ".q.t")


@subdivide(s1, formatter(), add_inputs("a.1"), "{path[0]}/{basename[0]}*.u", "{basename[0]}")
def s3(i, o, *x):
    print(i, [os.path.basename(n) for n in o], x)
    put(x[0] + "1.u")


@merge(s3, "m")
def m(i, o):
    put(o, repr([os.path.basename(n) for n in i]))


for q in (s1, s2, s3, m):
    print("==", q.__name__)
    printout([q], verbose=5)
    run([q], verbose=5)
    printout([q], verbose=5)

# === collate variants
put_old("a.1", "b.1", "a.2", "c.3", "xx")


@collate("*", regex(r"(.)\.(.)"), r"\1.c", r"\1")
def c1(i, o, *x):
    print(i, o, x)
    put(o)


@collate(["a.1", "b.1", "a.2"], formatter(), "{basename[0]}.d", ["{basename[0]}"])
def c2(i, o, *x):
    print(i, o, x)
    put(o)


@collate(["a.1", "b.1", "a.2"], regex(r"(.)\.(.)"), add_inputs(r"b.\2"), [r"\1.e", r"\1.f"], r"\2")
def c3(i, o, *x):
    print(i, o, x)
    put(o)


@collate(["a.1", "b.1", "a.2"], regex(r"(.)\.(.)"), inputs(r"b.1"), r"\1.g")
def c4(i, o, *x):
    print(i, o, x)
    put(o)


@collate(["a.1", "b.1"], suffix(".1"), ".h")
def c5(i, o, *x):
    print(i, o, x)
    put(o)


@collate(c3, formatter(), "{path[0]}/all.i")
def c6(i, o, *x):
    print(i, o, x)
    put(o)


for q in (c1, c2, c3, c4, c5, c6):
    print("==", q.__name__)
    printout([q], verbose=5)
    run([q], verbose=3)
    printout([q], verbose=5)

# === check_if_uptodate
put_old("a.1")


def chk(*a):
    print("chk", a)
    return (True, "because")


def no(*a):
    return False, "fine"


@check_if_uptodate(chk)
@transform("a.1", suffix(".1"), ".2")
def s(i, o):
    print("run")
    put(o)


@check_if_uptodate(no)
@parallel([[1, 2]])
def s1(*a):
    print("run", a)


@check_if_uptodate(chk)
def s2():
    print("run")


@check_if_uptodate(lambda *a: (True, "x"))
@files("a.1", "x")
def s3(*a):
    print(a)
    put("x")


for q in (s, s1, s2, s3):
    print("==", q.__name__)
    printout([q], verbose=7)
    run([q], verbose=7)

# === posttask
put_old("a.1")


@posttask(lambda: print("P1"))
@posttask(touch_file("tf"), lambda: print("P2"))
@transform("a.1", suffix(".1"), ".2")
def s(i, o):
    put(o)


def bad():
    raise ValueError("post")


@posttask(bad)
@transform(s, suffix(".2"), ".3")
def s2(i, o):
    put(o)


@posttask(touch_file("no/such/dir"))
@transform(s, suffix(".2"), ".4")
def s3(i, o):
    put(o)


run([s], verbose=3)
run([s], verbose=3)


# === jobs_limit
@jobs_limit(2, "x")
@originate(["a"])
def a(o):
    put(o)


def again():
    @jobs_limit(3, "x")
    @originate(["b"])
    def b(o):
        put(o)


attempt(again)


def again():
    @jobs_limit(2, "x")
    @originate(["c"])
    def c(o):
        put(o)


attempt(again)
run(verbose=0)


# === originate
@originate(["a", ["b", "c"], "d"], "ex", {"k": 1})
def o1(o, *x):
    print(o, x)
    put(o)


@originate("single")
def o2(o):
    put(o)


@originate([])
def o3(o):
    put(o)


@originate([["x"], ("y", "z")], extras=[1, 2])
def o4(*o):
    print(o)
    put(o[0])


for q in (o1, o2, o3, o4):
    print("==", q.__name__)
    printout([q], verbose=5)
    run([q], verbose=5)
    printout([q], verbose=5)

# === merge
put_old("a", "b")


@merge(["a", "b"], ["m1", "m2"], "x", {"k": 1})
def m1(*a):
    print(a)
    put(a[1])


@merge("zz*", "m3")
def m2(*a):
    print(a)
    put(a[1])


@merge("a", "m4")
def m3(*a):
    print(a)
    put(a[1])


@merge(["a", ["b", m1], m2], "m5")
def m4(*a):
    print(a)
    put(a[1])


@merge(None, "m6")
def m5(*a):
    print(a)
    put(a[1])


@merge([], "m7")
def m6(*a):
    print(a)
    put(a[1])


@merge(m1, "m8")
def m7(*a):
    print(a)
    put(a[1])


for q in (m1, m2, m3, m4, m5, m6, m7):
    print("==", q.__name__)
    printout([q], verbose=5)
    run([q], verbose=5)
    printout([q], verbose=5)

# === exceptions verbosity
put_old("a.1", "b.1")


class My(Exception):
    def __str__(s):
        return "my text\nsecond"


@transform("*.1", suffix(".1"), ".2")
def s(i, o):
    put(o)
    raise My(1, 2)


@transform("*.1", suffix(".1"), ".3")
def s2(i, o):
    raise JobSignalledBreak("stop")


@transform("*.1", suffix(".1"), ".4")
def s3(i, o):
    sys.exit(3)


@transform("*.1", suffix(".1"), ".5")
def s4(i, o):
    raise KeyboardInterrupt


@transform("*.1", suffix(".1"), ".6")
def s5(i):
    pass


for q in (s, s3, s5):
    for v in (0, 1, 3, 5):
        run([q], verbose=v)
    run([q], verbose=2, exceptions_terminate_immediately=True)


# === glob outputs warn
@transform("nope*", suffix(".1"), ".2")
def s(i, o):
    put(o)


@transform(["*.zz", "a.1"], suffix(".1"), ".2")
def s2(i, o):
    put(o)


for v in range(0, 7):
    printout([s], verbose=v)
    printout([s2], verbose=v)
run([s2], verbose=3)

# === touch mode
put_old("a.1")


@transform("a.1", suffix(".1"), [".2", ".3"])
def s(i, o):
    put(o, "made")


@split(s, "*.sp")
def sp(i, o):
    put("1.sp")


@merge(sp, "m")
def m(i, o):
    put(o, "made")


printout(verbose=3)
run(touch_files_only=True, verbose=4)
run(verbose=4)
for number, name in enumerate(("a.1", "a.2", "a.3", "1.sp", "m")):
    os.utime(name, (OLD + number, OLD + number))
run(touch_files_only="regenerate", verbose=4)
run(verbose=4)
attempt(pipeline_run, verbose=0, checksum_level=5)
