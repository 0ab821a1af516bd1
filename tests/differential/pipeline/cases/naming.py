# ruff: noqa
# Programs as users write them, held short; see casebook.py. Lines are not checked: they are what is tested.

# === chain history levels
put_old("a.1", "b.1")


def mk():
    @transform("*.1", suffix(".1"), [".2", ".3"], "x%s" % 1)
    def s1(i, o, x):
        put(o)

    @collate(s1, regex(r"(.)\.2"), r"\1.c", ["e"])
    def m(i, o, *x):
        put(o, repr((i, x)))

    return s1, m


s1, m = mk()
for lv in (0, 1, 2, 3):
    print("LEVEL", lv)
    printout(verbose=5, checksum_level=lv)
    run(verbose=3, checksum_level=lv)
    printout(verbose=5, checksum_level=lv)
os.utime("a.1")
for v in range(0, 11):
    print("V", v)
    printout(verbose=v)
run(verbose=6)
os.unlink("b.3")
for v in range(0, 11):
    print("V", v)
    printout(verbose=v)
run(verbose=6, touch_files_only=True)
run(verbose=6, forcedtorun_tasks=[m])
run(verbose=4, forcedtorun_tasks=[s1], gnu_make_maximal_rebuild_mode=False)
os.unlink("a.2")
run([m], verbose=4, gnu_make_maximal_rebuild_mode=False)

# === run verbosities
put_old("a.1", "b.1")


@follows(mkdir("d"))
@transform("*.1", formatter(), "d/{basename[0]}.2", "{path[0]}")
def s1(i, o, x):
    put(o)


@split(s1, ["*.sp", "d/*.sp"])
def sp(i, o):
    "doc of split"
    for k in range(3):
        put("%d.sp" % k)


@subdivide(sp, formatter(), "{basename[0]}.*.sub", "{basename[0]}")
def sub(i, o, b):
    put("%s.0.sub" % b)


@merge([sub, s1], "m")
@posttask(touch_file("pt"), lambda: print("POST"))
def m(i, o):
    put(o, repr(i))


for v in range(0, 12):
    print("P", v)
    printout(verbose=v)
run(verbose=6)
for v in range(0, 12):
    print("P", v)
    printout(verbose=v)

# === abbreviations
os.makedirs("x/y/z/w")
put_old("x/y/z/w/a.1", "x/y/z/w/b.1")


@transform("x/y/z/w/*.1", suffix(".1"), ".2", "/e/f/g/h", "e/f/g/h")
def s(i, o, *x):
    put(o)


@merge(s, "x/y/z/out")
def m(i, o):
    put(o)


for l in (None, 0, 1, 2, 3, 4, 9, -60):
    print("L", l)
    printout(verbose=3, verbose_abbreviated_path=l)
run(verbose=3, verbose_abbreviated_path=1)
run(verbose=6, verbose_abbreviated_path=-25)
printout(verbose=6, wrap_width=60, indent=2)
printout([s], [s], verbose=7, wrap_width=300, indent=8)

# === inputs nested
put_old("a.1", "b.1")


@originate(["x.o", "y.o"])
def og(o):
    put(o)


@transform("*.1", suffix(".1"), inputs([og, "*.1", ["a.1", og]]), ".2")
def s(i, o):
    print(i, o)
    put(o)


@transform(og, regex(r"(.)\.o"), add_inputs(og, [og, r"a.1"], "*.1"), r"\1.2x")
def s2(i, o):
    print(i, o)
    put(o)


@transform(og, formatter(), add_inputs([s, "{basename[0]}.o"]), "{basename[0]}.w")
def s3(i, o):
    print(i, o)
    put(o)


for q in (s, s2, s3):
    print("==", q.__name__)
    printout([q], verbose=5)
    run([q], verbose=5)

# === files_re
put_old("a.1", "b.1", "c.2")


@files_re("*.1", r"(.)\.1", r"\1.o")
def f1(i, o, *x):
    print(i, o, x)
    put(o)


@files_re("*.1", r"(.)\.1", [r"\1.1", "c.2"], [r"\1.o2", r"\1.o3"], r"\1", 3)
def f2(i, o, *x):
    print(i, o, x)
    put(o)


@files_re("*.1", combine(r"(.)\.1"), "all")
def f3(i, o, *x):
    print(i, o, x)
    put(o)


@files_re("*.1", r"(.)\.1", combine(r"all2"))
def f4(i, o, *x):
    print(i, o, x)
    put(o)


@files_re(["a.1", "c.2"], r"(.)\.(.)", combine([r"\1.\2"]), r"\2.z", r"\1")
def f5(i, o, *x):
    print(i, o, x)
    put(o)


@files_re(f1, r"(.)\.o", r"\1.oo")
def f6(i, o, *x):
    print(i, o, x)
    put(o)


for q in (f1, f2, f3, f4, f5, f6):
    print("==", q.__name__)
    printout([q], verbose=5)
    run([q], verbose=5)


# === parallel
@parallel([["a", 1], ["b", 2, [3]]])
def p1(*a):
    print("p1", a)


@parallel("a", 1)
def p2(*a):
    print("p2", a)


@parallel
def p3(*a):
    print(a)


@parallel([])
def p4(*a):
    print("p4", a)


def g():
    yield 1, 2
    yield ("x",)


@parallel(g)
@follows(p1)
def p5(*a):
    print("p5", a)


@follows(p5)
def plain():
    print("plain")


for q in (p1, p2, p4, p5, plain):
    print("==", q.__name__)
    printout([q], verbose=5)
    run([q], verbose=5)
