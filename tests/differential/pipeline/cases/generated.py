# ruff: noqa
# Programs as users write them, held short; see casebook.py. Lines are not checked: they are what is tested.

# === seed0001
put_old("a0.x0", "b1.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@jobs_limit(1)
@posttask(touch_file("post0"))
@split(["*.x0", "b1.x0"], ["sp0_1.x1", "sp0_2.x1"])
def s0(i, o, *x):
    work(i, o, *x)


@jobs_limit(1)
@product(s0, formatter(), s0, formatter(), "{basename[0][0]}_{basename[1][0]}.x2")
def s1(i, o, *x):
    work(i, o, *x)


@transform([s1, s0], regex(r"\.x\d+"), r"_.x3", {"k": 1})
def s2(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s0"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0002
put_old("a0.x0", "b1.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")
s0_f = lambda i, o, *x: work(i, o, *x)
s0 = P.merge(s0_f, "*.x0", "m.x1", {"k": 1}, name="s0")
s1_f = lambda i, o, *x: work(i, o, *x)
s1 = P.combinations(s1_f, output_from("s0"), formatter(), 2, "{basename[0][0]}_{basename[1][0]}.x2", name="s1")
s2_f = lambda i, o, *x: work(i, o, *x)
s2 = P.collate(s2_f, output_from("s0"), formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), "{basename[0]}.x3", 3, name="s2")
s3_f = lambda o, *x: work(None, o, *x)
s3 = P.originate(s3_f, ["o3.x4", "p3.x4"], name="s3")
s4_f = lambda i, o, *x: work(i, o, *x)
s4 = P.split(s4_f, s2, ["sp4_1.x5", "sp4_2.x5"], name="s4")


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s4"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0003
put_old("a0.x0", "b1.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@originate([["o0.x1", "p0.x1"], "q0.x1"])
def s0(o, *x):
    work(None, o, *x)


@collate(s0, regex(r"^(.)(.*)$"), inputs(s0), r"\1.x2", ["a", ["b"]])
def s1(i, o, *x):
    work(i, o, *x)


@follows(s1)
@product(s0, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), s0, formatter(), "{basename[0][0]}_{basename[1][0]}.x3")
def s2(i, o, *x):
    work(i, o, *x)


@jobs_limit(1)
@subdivide(s2, suffix(".x3"), [".x4", "_t.x4"])
def s3(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s1"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0004
put_old("a0.x0", "b1.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")
s0_f = lambda i, o, *x: work(i, o, *x)
s0 = P.combinations_with_replacement(
    s0_f, [("a0.x0", "b1.x0")], formatter(), 2, "{basename[0][0]}_{basename[1][0]}.x1", name="s0"
)
s1_f = lambda i, o, *x: work(i, o, *x)
s1 = P.split(s1_f, output_from("s0"), ["sp1_1.x2", "sp1_2.x2"], name="s1")
s2_f = lambda o, *x: work(None, o, *x)
s2 = P.originate(s2_f, ["o2.x3", "p2.x3"], name="s2")
s2.follows(s1)
s3_f = lambda i, o, *x: work(i, o, *x)
s3 = P.subdivide(s3_f, s1, regex(r"(?P<N>.)(.*)\.(.+?)$"), r"\g<N>\2_\3.x4", name="s3")
s4_f = lambda i, o, *x: work(i, o, *x)
s4 = P.transform(s4_f, s2, formatter(), ["{basename[0]}.x5", "{basename[0]}_2.x5"], name="s4")
s5_f = lambda i, o, *x: work(i, o, *x)
s5 = P.combinations(
    s5_f, [s4, "a0.x0"], formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), 2, "{basename[0][0]}_{basename[1][0]}.x6", name="s5"
)
s5.posttask(touch_file("post5"))


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s1"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0005
put_old("a0.x0", "b1.x0", "c2.x0", "d3.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")


@active_if(True)
@mkdir("dir0")
@files(None, "f0.x1")
def s0(i, o, *x):
    work(i, o, *x)


s1_f = lambda i, o, *x: work(i, o, *x)
s1 = P.collate(s1_f, output_from("s0"), formatter(), "{path[0]}/all.x2", "{basename[0]}", name="s1")
s1.follows(s0)
s1.posttask(touch_file("post1"))
s2_f = lambda i, o, *x: work(i, o, *x)
s2 = P.transform(s2_f, s0, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), "{basename[0]}{ext[0]}.x3", name="s2")
s2.follows(s0)
s3_f = lambda i, o, *x: work(i, o, *x)
s3 = P.product(
    s3_f,
    [s0, "a0.x0"],
    formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"),
    s1,
    formatter(),
    "{basename[0][0]}_{basename[1][0]}.x4",
    name="s3",
)
s3.posttask(touch_file("post3"))
s4_f = lambda o, *x: work(None, o, *x)
s4 = P.originate(s4_f, [["o4.x5", "p4.x5"], "q4.x5"], name="s4")


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s2"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0006
put_old("a0.x0", "b1.x0", "c2.x0", "d3.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@posttask(touch_file("post0"))
@split(["*.x0", "b1.x0"], ["sp0_1.x1", "sp0_2.x1"])
def s0(i, o, *x):
    work(i, o, *x)


@follows(s0)
@jobs_limit(1)
@combinations_with_replacement(s0, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), 2, "{basename[0][0]}_{basename[1][0]}.x2")
def s1(i, o, *x):
    work(i, o, *x)


@follows(s0)
@transform(s1, regex(r"^(.)(.*)$"), r"\1\2.x3", ["a", ["b"]])
def s2(i, o, *x):
    work(i, o, *x)


@follows(s2)
@collate(output_from("s2"), regex(r"\.x\d+"), r"_.x4")
def s3(i, o, *x):
    work(i, o, *x)


@follows(s1)
@active_if(False)
@subdivide(s1, regex(r"^(.)(.*)$"), r"\1\2.x5", "plain")
def s4(i, o, *x):
    work(i, o, *x)


@follows(s3)
@jobs_limit(1)
@originate([["o5.x6", "p5.x6"], "q5.x6"])
def s5(o, *x):
    work(None, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s0"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0010
put_old("a0.x0", "b1.x0", "c2.x0", "d3.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")
s0_f = lambda i, o, *x: work(i, o, *x)
s0 = P.transform(s0_f, [("a0.x0", "b1.x0")], regex(r"^(.)(.*)$"), r"\1\2.x1", name="s0")
s1_f = lambda o, *x: work(None, o, *x)
s1 = P.originate(s1_f, [["o1.x2", "p1.x2"], "q1.x2"], name="s1")
s2_f = lambda o, *x: work(None, o, *x)
s2 = P.originate(s2_f, [["o2.x3", "p2.x3"], "q2.x3"], name="s2")
s2.active_if(True)
s3_f = lambda i, o, *x: work(i, o, *x)
s3 = P.collate(s3_f, output_from("s2"), formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), "{basename[0]}.x4", name="s3")
s4_f = lambda i, o, *x: work(i, o, *x)
s4 = P.transform(s4_f, output_from("s0"), regex(r"^(.)(.*)$"), r"\1\2.x5", 3, name="s4")
s5_f = lambda i, o, *x: work(i, o, *x)
s5 = P.transform(
    s5_f, s1, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), "{basename[0]}{ext[0]}.x6", "{basename[0]}", name="s5"
)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s3"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0011
put_old("a0.x0", "b1.x0", "c2.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@active_if(False)
@mkdir("dir0")
@combinations(
    ["a0.x0", "b1.x0", "c2.x0"], formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), 2, "{basename[0][0]}_{basename[1][0]}.x1"
)
def s0(i, o, *x):
    work(i, o, *x)


@follows(s0)
@transform(s0, regex(r"^(.)(.*)$"), r"\1\2.x2", "plain")
def s1(i, o, *x):
    work(i, o, *x)


@follows(s0)
@collate(s1, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), add_inputs([("a0.x0", "b1.x0")]), "{N[0]}.x3")
def s2(i, o, *x):
    work(i, o, *x)


@follows(s2)
@transform(s0, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), ["{basename[0]}.x4", "{basename[0]}_2.x4"])
def s3(i, o, *x):
    work(i, o, *x)


@mkdir("dir4")
@transform("*.x0", formatter(), add_inputs(["b1.x0", s1]), ["{basename[0]}.x5", "{basename[0]}_2.x5"])
def s4(i, o, *x):
    work(i, o, *x)


@follows(s4)
@mkdir("dir5")
@subdivide(
    s4, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), inputs([s0, "a0.x0"]), ["{basename[0]}.x6", "{basename[0]}_s.x6"]
)
def s5(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s1"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0013
put_old("a0.x0", "b1.x0", "c2.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")
s0_f = lambda i, o, *x: work(i, o, *x)
s0 = P.collate(
    s0_f,
    ["a0.x0", "b1.x0", "c2.x0"],
    formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"),
    inputs("*.x0"),
    "{path[0]}/all.x1",
    name="s0",
)
s1_f = lambda i, o, *x: work(i, o, *x)
s1 = P.permutations(
    s1_f, s0, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), 2, "{basename[0][0]}_{basename[1][0]}.x2", name="s1"
)
s2_f = lambda i, o, *x: work(i, o, *x)
s2 = P.subdivide(s2_f, output_from("s1"), formatter(), ["{basename[0]}.x3", "{basename[0]}_s.x3"], 3, name="s2")
s3_f = lambda o, *x: work(None, o, *x)
s3 = P.originate(s3_f, [["o3.x4", "p3.x4"], "q3.x4"], name="s3")


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s1"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0014
put_old("a0.x0", "b1.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@split(["*.x0", "b1.x0"], ["sp0_1.x1", "sp0_2.x1"])
def s0(i, o, *x):
    work(i, o, *x)


@transform(s0, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), "{basename[0]}{ext[0]}.x2")
def s1(i, o, *x):
    work(i, o, *x)


@follows(s0)
@transform(
    [("a0.x0", "b1.x0")], formatter(), add_inputs("a0.x0"), ["{basename[0]}.x3", "{basename[0]}_2.x3"], ["a", ["b"]]
)
def s2(i, o, *x):
    work(i, o, *x)


@collate(s0, regex(r"(?P<N>.)(.*)\.(.+?)$"), add_inputs("a0.x0"), r"\1.x4")
def s3(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s3"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0015
put_old("a0.x0", "b1.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")
s0_f = lambda i, o, *x: work(i, o, *x)
s0 = P.merge(s0_f, ["a0.x0", "b1.x0"], ["m.x1", "n.x1"], name="s0")
s1_f = lambda i, o, *x: work(i, o, *x)
s1 = P.collate(s1_f, s0, regex(r"(?P<N>.)(.*)\.(.+?)$"), r"\1.x2", {"k": 1}, name="s1")
s1.jobs_limit(1)
s2_f = lambda o, *x: work(None, o, *x)
s2 = P.originate(s2_f, [["o2.x3", "p2.x3"], "q2.x3"], name="s2")
s2.mkdir("dir2")


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s0"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0019
put_old("a0.x0", "b1.x0", "c2.x0", "d3.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")


@files(None, "f0.x1")
def s0(i, o, *x):
    work(i, o, *x)


s1_f = lambda i, o, *x: work(i, o, *x)
s1 = P.split(s1_f, s0, ["sp1_1.x2", "sp1_2.x2"], name="s1")
s1.mkdir("dir1")
s2_f = lambda i, o, *x: work(i, o, *x)
s2 = P.product(s2_f, [s0, "a0.x0"], formatter(), s1, formatter(), "{basename[0][0]}_{basename[1][0]}.x3", name="s2")


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s0"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0020
put_old("a0.x0", "b1.x0", "c2.x0", "d3.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@active_if(False)
@split(["a0.x0", "b1.x0", "c2.x0", "d3.x0"], ["sp0_1.x1", "sp0_2.x1"])
def s0(i, o, *x):
    work(i, o, *x)


@active_if(False)
@combinations(output_from("s0"), formatter(), 2, "{basename[0][0]}_{basename[1][0]}.x2")
def s1(i, o, *x):
    work(i, o, *x)


@posttask(touch_file("post2"))
@collate(s1, formatter(), "{path[0]}/all.x3", "plain")
def s2(i, o, *x):
    work(i, o, *x)


@subdivide(s1, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), ["{basename[0]}.x4", "{basename[0]}_s.x4"], ["a", ["b"]])
def s3(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s1"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0022
put_old("a0.x0", "b1.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")
s0_f = lambda i, o, *x: work(i, o, *x)
s0 = P.merge(s0_f, [("a0.x0", "b1.x0")], "m.x1", name="s0")
s1_f = lambda i, o, *x: work(i, o, *x)
s1 = P.permutations(s1_f, s0, formatter(), 2, "{basename[0][0]}_{basename[1][0]}.x2", name="s1")
s1.mkdir("dir1")
s2_f = lambda i, o, *x: work(i, o, *x)
s2 = P.transform(
    s2_f, s1, regex(r"(?P<N>.)(.*)\.(.+?)$"), add_inputs("a0.x0"), [r"\1\2.x3", r"\1\2_c.x3"], ["a", ["b"]], name="s2"
)
s3_f = lambda o, *x: work(None, o, *x)
s3 = P.originate(s3_f, [["o3.x4", "p3.x4"], "q3.x4"], name="s3")
s3.follows(s1)
s4_f = lambda i, o, *x: work(i, o, *x)
s4 = P.collate(s4_f, [s0, "a0.x0"], formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), "{path[0]}/all.x5", name="s4")
s5_f = lambda i, o, *x: work(i, o, *x)
s5 = P.transform(s5_f, ["a0.x0", "b1.x0"], suffix(".x0"), ".x6", name="s5")


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s3"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0023
put_old("a0.x0", "b1.x0", "c2.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@transform([("a0.x0", "b1.x0")], regex(r"^(.)(.*)$"), add_inputs("a0.x0"), r"\1\2.x1", {"k": 1})
def s0(i, o, *x):
    work(i, o, *x)


@transform(s0, formatter(), ["{basename[0]}.x2", "{basename[0]}_2.x2"])
def s1(i, o, *x):
    work(i, o, *x)


@follows(s1)
@posttask(touch_file("post2"))
@transform(s1, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), "{path[0]}/{basename[0]}.x3")
def s2(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s1"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0025
put_old("a0.x0", "b1.x0", "c2.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@collate([("a0.x0", "b1.x0")], regex(r"\.x\d+"), inputs("*.x0"), r"_.x1", 3)
def s0(i, o, *x):
    work(i, o, *x)


@active_if(True)
@transform(output_from("s0"), regex(r"^(.)(.*)$"), r"\1\2.x2")
def s1(i, o, *x):
    work(i, o, *x)


@transform(s1, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), "{basename[0]}{ext[0]}.x3", "{basename[0]}")
def s2(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s1"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0027
put_old("a0.x0", "b1.x0", "c2.x0", "d3.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")
s0_f = lambda i, o, *x: work(i, o, *x)
s0 = P.subdivide(s0_f, [("a0.x0", "b1.x0")], formatter(), ["{basename[0]}.x1", "{basename[0]}_s.x1"], name="s0")
s0.jobs_limit(1)
s1_f = lambda i, o, *x: work(i, o, *x)
s1 = P.transform(s1_f, s0, regex(r"^(.)(.*)$"), r"\1\2.x2", name="s1")
s2_f = lambda i, o, *x: work(i, o, *x)
s2 = P.collate(s2_f, ["*.x0", "b1.x0"], formatter(), "{basename[0]}.x3", "plain", name="s2")
s3_f = lambda i, o, *x: work(i, o, *x)
s3 = P.transform(s3_f, ["a0.x0", "b1.x0", "c2.x0", "d3.x0"], regex(r"\.x\d+"), r"_.x4", {"k": 1}, name="s3")
s3.follows(s1)
s3.jobs_limit(1)
s4_f = lambda i, o, *x: work(i, o, *x)
s4 = P.split(s4_f, output_from("s0"), ["sp4_1.x5", "sp4_2.x5"], name="s4")
s4.posttask(touch_file("post4"))


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s2"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0028
put_old("a0.x0", "b1.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@active_if(False)
@collate(["*.x0", "b1.x0"], regex(r"\.x\d+"), add_inputs("a0.x0"), r"_.x1")
def s0(i, o, *x):
    work(i, o, *x)


@posttask(touch_file("post1"))
@transform(s0, suffix(".x0"), r"q_\1.x2")
def s1(i, o, *x):
    work(i, o, *x)


@follows(s1)
@collate(["*.x0", "b1.x0"], regex(r"\.x\d+"), r"_.x3")
def s2(i, o, *x):
    work(i, o, *x)


@split(s0, ["sp3_1.x4", "sp3_2.x4"])
def s3(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s0"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0030
put_old("a0.x0", "b1.x0", "c2.x0", "d3.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@jobs_limit(1)
@collate(["a0.x0", "b1.x0", "c2.x0", "d3.x0"], formatter(), "{basename[0]}.x1")
def s0(i, o, *x):
    work(i, o, *x)


@follows(s0)
@files(output_from("s0"), "f1.x2")
def s1(i, o, *x):
    work(i, o, *x)


@posttask(touch_file("post2"))
@transform(s0, regex(r"^(.)(.*)$"), r"\1\2.x3", ["a", ["b"]])
def s2(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s2"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0035
put_old("a0.x0", "b1.x0", "c2.x0", "d3.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")
s0_f = lambda i, o, *x: work(i, o, *x)
s0 = P.subdivide(
    s0_f, [("a0.x0", "b1.x0")], regex(r"(?P<N>.)(.*)\.(.+?)$"), [r"\1\2.x1", r"\1\2_c.x1"], "plain", name="s0"
)
s0.jobs_limit(1)
s1_f = lambda o, *x: work(None, o, *x)
s1 = P.originate(s1_f, ["o1.x2", "p1.x2"], name="s1")
s1.posttask(touch_file("post1"))
s2_f = lambda o, *x: work(None, o, *x)
s2 = P.originate(s2_f, [["o2.x3", "p2.x3"], "q2.x3"], name="s2")
s3_f = lambda i, o, *x: work(i, o, *x)
s3 = P.combinations(
    s3_f, s0, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), 2, "{basename[0][0]}_{basename[1][0]}.x4", name="s3"
)
s3.follows(s1)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s1"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0037
put_old("a0.x0", "b1.x0", "c2.x0", "d3.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@originate([["o0.x1", "p0.x1"], "q0.x1"])
def s0(o, *x):
    work(None, o, *x)


@posttask(touch_file("post1"))
@transform([("a0.x0", "b1.x0")], regex(r"^(.)(.*)$"), r"\1\2.x2", {"k": 1})
def s1(i, o, *x):
    work(i, o, *x)


@follows(s1)
@active_if(True)
@mkdir("dir2")
@files([["a0.x0", "f2.x3"], ["b1.x0", ["g2.x3", "h2.x3"], 7]])
def s2(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s0"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0039
put_old("a0.x0", "b1.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")
s0_f = lambda i, o, *x: work(i, o, *x)
s0 = P.collate(s0_f, "*.x0", regex(r"^(.)(.*)$"), r"\1.x1", name="s0")
s1_f = lambda i, o, *x: work(i, o, *x)
s1 = P.transform(s1_f, [("a0.x0", "b1.x0")], formatter(), "{path[0]}/{basename[0]}.x2", ["a", ["b"]], name="s1")
s1.active_if(False)
s1.posttask(touch_file("post1"))
s2_f = lambda i, o, *x: work(i, o, *x)
s2 = P.transform(
    s2_f, s1, formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), ["{basename[0]}.x3", "{basename[0]}_2.x3"], name="s2"
)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s2"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0042
put_old("a0.x0", "b1.x0", "c2.x0", "d3.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


P = Pipeline("P")
s0_f = lambda i, o, *x: work(i, o, *x)
s0 = P.collate(s0_f, "*.x0", formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), "{path[0]}/all.x1", name="s0")
s0.jobs_limit(1)
s1_f = lambda i, o, *x: work(i, o, *x)
s1 = P.collate(s1_f, [s0, "a0.x0"], formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), "{path[0]}/all.x2", 3, name="s1")
s2_f = lambda i, o, *x: work(i, o, *x)
s2 = P.transform(s2_f, output_from("s1"), formatter(), "{path[0]}/{basename[0]}.x3", "plain", name="s2")
s3_f = lambda o, *x: work(None, o, *x)
s3 = P.originate(s3_f, [["o3.x4", "p3.x4"], "q3.x4"], name="s3")
s4_f = lambda o, *x: work(None, o, *x)
s4 = P.originate(s4_f, ["o4.x5", "p4.x5"], name="s4")


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s4"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)

# === seed0044
put_old("a0.x0", "b1.x0", "c2.x0")


def work(i, o, *x, **k):
    outs = []

    def flat(v):
        if isinstance(v, str):
            outs.append(v)
        elif isinstance(v, (list, tuple, set)):
            [flat(w) for w in v]

    flat(o)
    for n in outs:
        if "*" in n:
            continue
        os.makedirs(os.path.dirname(n) or ".", exist_ok=True)
        put(n, repr((i, o, x)).replace(os.getcwd(), "HERE"))


def glb(i, o, stem, k):
    stem = os.path.basename(stem if isinstance(stem, str) else "m")
    for q in range(k):
        put("%s.%d" % (stem, q), repr(i).replace(os.getcwd(), "HERE"))


@merge(["a0.x0", "b1.x0", "c2.x0"], "m.x1", "plain")
def s0(i, o, *x):
    work(i, o, *x)


@follows(s0)
@product(
    output_from("s0"), formatter(r"(?P<N>\w)(?P<M>\w*)[^/]*$"), s0, formatter(), "{basename[0][0]}_{basename[1][0]}.x2"
)
def s1(i, o, *x):
    work(i, o, *x)


@mkdir("dir2")
@subdivide(output_from("s1"), regex(r"(?P<N>.)(.*)\.(.+?)$"), r"\g<N>\2_\3.x3")
def s2(i, o, *x):
    work(i, o, *x)


def blocks(text):
    b = re.split(r"\n(?=Task = |____)", text)
    print("\n".join(sorted(c if "Warning" not in c else "\n".join(sorted(set(c.split("\n")))) for c in b)))


def sp(**k):
    s = io.StringIO()
    try:
        pipeline_printout(s, **k)
    except Exception as x:
        show_error(x)
    blocks(s.getvalue())


def rn(**k):
    e = Ear()
    try:
        pipeline_run(logger=e, **k)
    except Exception as x:
        print("RAISED", type(x).__name__, sorted(str(list(q[:3])) for q in getattr(x, "job_exceptions", [])) or str(x))
    print("\n".join(sorted(set(e.heard))))


sp(verbose=5)
sp(target_tasks=["s1"], verbose=4)
rn(verbose=3)
sp(verbose=3)
rn(verbose=0)
