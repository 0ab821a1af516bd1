# ruff: noqa
# Programs as users write them, held short; see casebook.py. Lines are not checked: they are what is tested.

# === args transform wrong types
put_old("a.1")


def f9(i, o):
    pass


attempt(lambda: transform()(f9))
attempt(lambda: transform("a.1")(lambda i, o: 0))


def f2(i, o):
    pass


attempt(lambda: transform("a.1", suffix(".1"))(f2))


def f3(i, o):
    pass


attempt(lambda: transform("a.1", ".1", ".2")(f3))


def f4(i, o):
    pass


attempt(lambda: transform("a.1", suffix(".1"), ".2", bogus=3)(f4))


def f5(i, o):
    pass


attempt(lambda: transform("a.1", suffix(".1"), ".2", extras=3)(f5))


def f6(i, o):
    pass


attempt(lambda: transform(input="a.1", filter=suffix(".1"), output=".2", output2=3)(f6))


def f7(i, o):
    pass


attempt(lambda: transform("a.1", suffix(".1"), input="b", output=".2")(f7))


def f8(i, o):
    pass


attempt(lambda: transform("a.1", suffix(".1"), inputs("a", "b"), ".2")(f8))

# === args others
for name, args in [
    ("split", ()),
    ("split", ("a",)),
    ("split", ("a", "b*")),
    ("subdivide", ("a",)),
    ("subdivide", ("a", "b", "c")),
    (
        "subdivide",
        (
            "a",
            suffix("a"),
        ),
    ),
    ("merge", ()),
    ("merge", ("a",)),
    ("collate", ("a",)),
    ("collate", ("a", suffix("a"), "b")),
    ("collate", ("a", "b", "c")),
    ("originate", ()),
    ("product", ("a",)),
    ("product", ("a", formatter())),
    ("product", ("a", regex("a"), "b")),
    (
        "product",
        (
            "a",
            formatter(),
            "b",
            formatter(),
        ),
    ),
    (
        "permutations",
        (
            "a",
            formatter(),
        ),
    ),
    ("permutations", ("a", formatter(), 2)),
    ("permutations", ("a", formatter(), "2", "o")),
    ("permutations", ("a", suffix("a"), 2, "o")),
    ("combinations", ("a", formatter(), 2.5, "o")),
    ("combinations_with_replacement", ("a", formatter(), -1, "o")),
    ("files", ()),
    ("files", ("a",)),
    ("files", ([["a"]],)),
    ("files", ([["a", "b"], "c"],)),
    ("files", (3,)),
    ("files_re", ()),
    ("files_re", ("a",)),
    ("files_re", ("a", "b")),
    ("files_re", ("*.a", "(b", "c")),
    ("parallel", ()),
    ("parallel", ("a",)),
    ("parallel", ([1, 2],)),
    ("parallel", ([[1, 2], [3]],)),
    ("mkdir", ()),
    ("mkdir", (3,)),
    ("mkdir", ("a", suffix("a"), 3)),
    ("follows", ()),
    ("follows", (3,)),
    ("follows", ("nope",)),
    ("follows", (None,)),
    ("follows", (["a"],)),
    ("posttask", ()),
    ("posttask", (3,)),
    ("posttask", ("a",)),
    ("posttask", (touch_file(),)),
    ("posttask", (touch_file(3),)),
    ("posttask", (touch_file("a", "b"),)),
    ("jobs_limit", ()),
    ("jobs_limit", ("a",)),
    ("jobs_limit", (0,)),
    ("jobs_limit", (-1, "a")),
    ("jobs_limit", (2, 3)),
    ("jobs_limit", (2, "a", 3)),
    ("jobs_limit", (2.5,)),
    ("check_if_uptodate", ()),
    ("check_if_uptodate", (3,)),
    ("check_if_uptodate", (len, len)),
    ("active_if", ()),
    ("active_if", (3,)),
    ("graphviz", ()),
    ("graphviz", (3,)),
    ("run_in_main_process", ()),
    ("run_in_main_process", (1,)),
]:
    print("==", name, [a if isinstance(a, (str, int, float)) else type(a).__name__ for a in args])
    n = "fn_%s_%d" % (name, len(ns)) if "ns" in globals() else "fn_x"
    ns = globals().setdefault("ns", [])
    ns.append(1)
    exec("def %s(*a): pass" % n)
    f = eval(n)

    def go():
        d = globals()[name](*args)
        r = d(f)
        return r is f

    attempt(go)


# === kw forms follow printouts bad deps
@follows("nope")
def a():
    pass


printout()
run()
