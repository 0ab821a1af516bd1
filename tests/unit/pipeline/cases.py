"""Declarations of stages to compare with upstream: written out where a rule is known, drawn at random around them.

Values are JSON; what JSON lacks is {"is": kind, "of": content}, as `oracle.py` reads it.
"""

import random

__all__ = ["FILES", "all_cases"]

FILES = [
    "a.fq", "b.fq", "c.fq.gz", "data/a.1.fq", "data/a.2.fq", "data/b.1.fq", "data/b.2.fq", "data/deep/er/x.y.z.bam",
    "/abs/s1.bam", "/abs/s2.bam", "/abs/t1.sam", "../up/u.bam", "data//odd/./v.fq", "né.fq", "we ird[1].fq", ".hidden",
    "noext", "two\nlines.fq", "{braces}.fq", "grp_1_x.txt", "grp_2_x.txt", "grp_1_y.txt", "grp_3.txt", "//net/w.bam",
]  # fmt: skip
ENDINGS = [".fq", ".bam", "", ".txt", "q", ".fq.gz", "fq$", "(x)"]
REGEXES = [
    r"(.+)\.fq$", r"(.*)/(.+)\.(fq|bam)", r"([ab])", r"grp_(\d)_?(?P<kind>[xy])?\.txt", r"(?P<stem>\w+)\.(?P<end>\w+)$",
    r".*", r"^", r"(a(b)?)", r"(?:(p)|(q))?\.fq", "[0-9]", "\\.", r"(?P<basename>[a-z]+)(\d)",
    "nothing matches this", "",
]  # fmt: skip
FITTING = {
    r"(.+)\.fq$": [r"\1.out", r"\g<1>.x", r"\1.*.part"],
    r"(.*)/(.+)\.(fq|bam)": [r"\1/\2.\3.out", r"\2.x", r"all.\3", r"\1/*"],
    r"([ab])": [r"<\1>", r"\1\1"],
    r"grp_(\d)_?(?P<kind>[xy])?\.txt": [r"\1.sum", r"\g<kind>.k", r"grp_\1_*.txt"],
    r"(?P<stem>\w+)\.(?P<end>\w+)$": [r"\g<stem>-\g<end>", r"\g<end>.all", r"\1.\2.o"],
    r"(a(b)?)": [r"\1\2!"],
}
"""Patterns whose groups the expression has."""
SUBSTITUTIONS = [
    "out", ".out", r"\1.out", r"\g<1>_x", r"\2/\1", r"\g<kind>.k", r"\g<stem>-\g<end>", r"\3", "\1bad", r"a\\b",
    r"\g<0>.all",
    "all.out", "dir/\\1.*.part", "*.bam", "{basename[0]}.x", r"tab\there", "", r"\g<none>", r"q\q",
]  # fmt: skip
FORMATS = [
    "{path[0]}/{basename[0]}.out", "{basename[0]}{ext[0]}", "{subpath[0][1]}/x", "{subdir[0][0]}", "{subdir[0][9]}",
    "{0[0]}",
    "{1[0]}", "{2[0]}", "{kind[0]}", "{stem[0]}.{end[0]}", "plain", "{{{basename[0]}}}", "{basename[0]!r:>12}",
    "{basename[1]}",
    "{nofield[0]}", "{basename}", "{basename[0]", "{basename[0]}}", "{}", "{path[0][0]}", "{basename[-1]}",
    "{basename[0].x}",
    "{ext[0]:{basename[0]}}", "{basename[0]:>{width}}", "{path[0]}/{basename[0]}.*", "{0}", "{subpath[0]}",
    "all.out", "", "{[0]}",
    r"\1.x", "{basename[0]:d}", "{subdir[0][0]}/{subdir[0][1]}", "{1[1]}{0[0]}", "{noend[0]} {", "{path[2]}",
]  # fmt: skip
SOUND_FORMATS = [
    *FORMATS[:3],
    "{0[0]}.x",
    "all{ext[0]}",
    "{path[0]}/{basename[0]}.*",
    "{subdir[0][0]}.dir",
    "{{{basename[0]}}}",
]
NESTED_FORMATS = [
    "{path[0][0]}/{basename[0][0]}.{basename[1][0]}", "{0[0][0]}-{0[1][0]}", "{1[1][0]}", "{kind[0][0]}{kind[1][0]}",
    "{basename[2][0]}", "{basename[0][1]}", "plain", "{basename[0]}", "{basename[0][0]}/{ext[0][0]}",
    "{subdir[0][0][0]}x{subpath[1][0][1]}", "{stem[1][0]}",
    "{nofield[0][0]}", "{basename[0][0]}", "{ext[0][0]}{ext[1][0]}.{path[1][0]}",
]  # fmt: skip


def tagged(kind, *content):
    return {"is": kind, "of": list(content)}


def stage(name):
    return {"is": "stage", "of": name}


def runtime(name):
    return {"is": "runtime", "of": name}


def pairs(**content):
    return {"is": "dict", "of": content}


class Draw:
    """Draws declarations; the same ones for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, choices):
        return choices[int(self.random.random() * len(choices))]

    def some(self, choices, most):
        return [self.one(choices) for _ in range(1 + int(self.random.random() * most))]

    def chance(self, probability):
        return self.random.random() < probability

    def item(self):
        if self.chance(0.75):
            return self.one(FILES)
        parts = self.some(FILES, 3)
        return self.one(
            [
                parts,
                tagged("tuple", *parts),
                tagged("tuple", parts[0], [*parts, 7]),
                [None, parts],
                tagged("set", parts[0]),
            ]
        )

    def input(self, parents):
        choice = self.random.random()
        if choice < 0.12:
            return self.one(["*.bam", "data/*", "grp_?_?.txt", "nothing*"])
        if parents and choice < 0.3:
            return stage(self.one(parents))
        items = [self.item() for _ in range(int(self.random.random() * 6))]
        if self.chance(0.2):
            items.append(self.one(["data/a*", "*.bam", "gr[p]*"]))
        if parents and self.chance(0.25):
            items.append(self.one([stage(parents[0]), tagged("output_from", *parents), [stage(parents[-1])]]))
        if self.chance(0.1):
            items.append(runtime("given"))
        return tagged("tuple", *items) if self.chance(0.2) else items

    def few(self, parents):
        """An input for combinations, which grow fast."""
        if parents and self.chance(0.2):
            return stage(parents[-1])
        return self.one([[self.item() for _ in range(1 + int(self.random.random() * 3))], "data/a*", "grp_?_?.txt"])

    def filter(self, kinds=("suffix", "regex", "formatter")):
        kind = self.one(kinds)
        if kind == "suffix":
            return tagged("suffix", self.one(ENDINGS[:2]) if self.chance(0.7) else self.one(ENDINGS))
        if kind == "regex":
            return tagged("regex", self.one([*FITTING]) if self.chance(0.8) else self.one(REGEXES))
        expressions = [".*", "", None, r"(?P<stem>\w+)\.(?P<end>\w+)$", r"([a-z])"] if self.chance(0.7) else REGEXES
        return tagged("formatter", *[self.one(expressions) for _ in range(int(self.random.random() * 3))])

    def patterns(self, filter_):
        """Patterns to draw from: mostly ones that can be filled."""
        if filter_["is"] == "formatter":
            return SOUND_FORMATS if self.chance(0.5) else FORMATS
        if self.chance(0.2):
            return SUBSTITUTIONS
        if filter_["is"] == "suffix":
            return [".out", r"\1.x", ".*.part", r"d/\g<1>", "plain"]
        return FITTING.get(filter_["of"][0], ["out", "a.*", r"\g<0>x"])

    def nest(self, choices):
        parts = self.some(choices, 3)
        options = [
            parts[0],
            parts[0],
            parts[0],
            parts,
            tagged("tuple", *parts),
            [parts[0], [*parts], 3],
            [None, parts[0]],
        ]
        return self.one(options)

    def more(self, choices, parents):
        kind = self.one(["add_inputs", "inputs"])
        parts = [self.nest(choices) for _ in range(1 if kind == "inputs" else 1 + int(self.random.random() * 3))]
        if self.chance(0.3):
            parts[-1] = self.one(["*.bam", "*/{basename[0]}.*", r"data/\1*", "data/?.*.fq", ["*.fq", "x"]])
        if parents and self.chance(0.3):
            parts[0] = self.one([stage(parents[0]), [stage(parents[0]), parts[0]]])
        return tagged(kind, *parts)

    def parents(self):
        stages = []
        if self.chance(0.5):
            stages.append({"kind": "originate", "name": "first", "args": [[self.item() for _ in range(3)]]})
        if self.chance(0.3):
            stages.append(
                {"kind": "merge", "name": "second", "args": [["a.fq", "b.fq"], self.nest(["sum.fq", "m.bam"])]}
            )
        if self.chance(0.2):
            stages.append(
                {"kind": "split", "name": "third", "args": ["a.fq", self.one(["data/*", ["*.bam", "q.fq"], "s.fq"])]}
            )
        return stages

    def extras(self, choices):
        return [
            self.one([self.nest(choices), 5, None, [1, 2], pairs(k="{basename[0]}"), 2.5])
            for _ in range(self.one([0, 0, 1, 2]))
        ]

    def case(self, stages, kind, args, **named):
        stages = [*stages, {"kind": kind, "name": "target", "args": args, "named": named}]
        return {"runtime": {"given": self.one(["g.fq", ["h.fq", "i.bam"], []])}, "stages": stages}


def filtered(draw, kind):
    stages = draw.parents()
    parents = [parent["name"] for parent in stages]
    filter_ = draw.filter(("regex", "formatter") if kind == "collate" else ("suffix", "regex", "formatter"))
    choices = draw.patterns(filter_)
    args = [draw.input(parents), filter_]
    if draw.chance(0.4):
        args.append(draw.more(choices, parents))
    args += [draw.nest(choices), *draw.extras(choices)]
    named = {"output_dir": "res/dir"} if filter_["is"] == "suffix" and draw.chance(0.3) else {}
    return draw.case(stages, kind, args, **named)


def nested(draw):
    """Patterns for combinations: mostly ones that can be filled."""
    sound = [
        "{path[0][0]}/{basename[0][0]}.{basename[0][0]}",
        "{basename[0][0]}{ext[0][0]}",
        "all",
        "{subdir[0][0][0]}",
    ]
    return sound if draw.chance(0.5) else NESTED_FORMATS


def chosen(draw, kind):
    stages = draw.parents()
    parents = [parent["name"] for parent in stages]
    args = [draw.few(parents), draw.filter(("formatter",)), draw.one([1, 2, 2, 3])]
    if draw.chance(0.3):
        args.append(draw.more(nested(draw), parents))
    choices = nested(draw)
    return draw.case(stages, kind, [*args, draw.nest(choices), *draw.extras(choices)])


def product(draw):
    stages = draw.parents()
    parents = [parent["name"] for parent in stages]
    args = []
    for _ in range(draw.one([1, 2, 2, 3])):
        args += [draw.few(parents), draw.filter(("formatter",))]
    if draw.chance(0.3):
        args.append(draw.more(nested(draw), parents))
    choices = nested(draw)
    return draw.case(stages, "product", [*args, draw.nest(choices), *draw.extras(choices)])


def plain(draw, kind):
    stages = draw.parents()
    parents = [parent["name"] for parent in stages]
    made = ["x.out", "*.fq", "data/a.?.fq", "we ird[1].fq"]
    if kind == "originate":
        return draw.case(
            stages, kind, [draw.one([draw.nest(made), [draw.nest(made) for _ in range(3)]]), *draw.extras(made)]
        )
    return draw.case(stages, kind, [draw.input(parents), draw.nest(made), *draw.extras(made)])


def old_style(draw):
    stages = draw.parents()
    parents = [parent["name"] for parent in stages]
    rows = [
        [draw.input(parents), draw.nest(["o.1", "o.2"]), *draw.extras(["e"])]
        for _ in range(int(draw.random.random() * 4))
    ]
    kind = draw.one(["files", "files", "parallel", "files_re"])
    if kind == "files_re":
        pattern = draw.one([*FITTING])
        made = draw.nest(FITTING[pattern])
        args = [draw.one(["data/*.fq", ["a.fq", "b.fq", "grp_1_x.txt"]]), pattern, *draw.some([made, r"\1.two"], 3)]
        if draw.chance(0.4):
            args[2] = tagged("combine", args[2])
        return draw.case(stages, kind, args)
    if kind == "parallel":
        rows = [[3, "x"], [], ["y", 4, None]][: int(draw.random.random() * 4)]
    if rows and draw.chance(0.3):
        return draw.case(stages, kind, rows[0])
    if draw.chance(0.2):
        plain_rows = [["a", "b", 1], ["c"], []]
        return draw.case([], kind, [{"is": "rows", "of": plain_rows}])
    return draw.case(stages, kind, [rows])


def written_out():
    """Cases for rules that chance would seldom meet."""
    one = {"runtime": {}}

    def target(kind, *args, **named):
        return {**one, "stages": [{"kind": kind, "name": "target", "args": list(args), "named": named}]}

    yield target("transform", [["a.fq", "x.bam"]], tagged("suffix", ".fq"), ".out")
    yield target("transform", [["x.bam", "a.fq"]], tagged("suffix", ".fq"), ".out")
    yield target("transform", ["a.fq", "a.fq"], tagged("suffix", ".fq"), ".out")
    yield target(
        "transform", ["a.fq"], tagged("suffix", ".fq"), [".1", "x\\1", "\\g<1>y"], "extra", r"\1.e", r"\g<1>", [".z", 3]
    )
    yield target("transform", ["data/a.1.fq"], tagged("suffix", ".fq"), ".o", "e", r"\1.e", output_dir="res")
    yield target("transform", ["a.fq"], tagged("suffix", ".fq"), tagged("add_inputs", r"\1.x", "const"), ".out")
    yield target("transform", [["a.fq", "b.fq"]], tagged("formatter", "(a)", "(b)", "(c)"), "{1[0]}{1[1]}")
    yield target("transform", [["a.fq", "b.fq"]], tagged("formatter", None, "(b)"), "{1[1]}{basename[0]}", "{1[0]}")
    yield target(
        "transform", ["data/deep/er/x.y.z.bam"], tagged("formatter"), "{subpath[0][1]}/{subdir[0][1]}/{basename[0]}"
    )
    yield target("transform", ["a.fq", "b.fq"], tagged("formatter", "(?P<which>a)?[.]fq"), "{which[0]}{0[0]}")
    yield target("transform", ["a.fq"], tagged("formatter"), "{basename[0]:{ext[0]}>9}", "{basename[0]:x>{basename}}")
    for template in (
        r"\10",
        r"\g<01>",
        r"\g<1>\g<2>",
        r"\1\n",
        r"\g<0>",
        r"\01",
        r"\g<name>1",
        r"\11",
        r"\2",
        r"\\1",
        "\\",
    ):
        yield target("transform", ["a.fq", "b.c.fq"], tagged("regex", r"(?P<name>a)|(\.)"), template)
        yield target("transform", ["a.fq", "b.c.fq"], tagged("suffix", ".fq"), template, template)
    yield target("transform", ["/"], tagged("formatter"), "{path[0]}|{basename[0]}|{ext[0]}|{subpath[0]}|{subdir[0]}")
    yield target(
        "transform", ["..", ".hidden.x", "...a", "a.", "x/"], tagged("formatter"), "{path[0]}|{basename[0]}|{ext[0]}"
    )
    yield target("transform", [7, None, [], "a.fq"], tagged("formatter"), "{basename[0]}.x")
    yield target("transform", ["a.fq"], tagged("formatter"), "{basename[0]}", extras=["{ext[0]}", 3])
    for kind in ("transform", "subdivide", "collate"):
        for filter_ in (
            tagged("regex", "("), tagged("regex"), tagged("regex", "a", "b"), tagged("regex", 3), tagged("suffix"),
            tagged("suffix", ".a", ".b"), tagged("suffix", 3), tagged("formatter", "("), tagged("formatter", 3, "a"),
        ):  # fmt: skip
            yield target(kind, ["a.fq"], filter_, "out")
    yield target("product", ["a.fq"], tagged("formatter", "("), ["b.fq"], tagged("formatter"), "out")
    yield target("product", ["a.fq"], tagged("formatter"), [], tagged("formatter"), "out")
    yield target("transform", [runtime("absent")], tagged("suffix", ".fq"), ".out")
    yield target("files", [["a.fq", "b"], [runtime("absent"), "c"]])
    for rows in ([["a"]], [[]], ["ab"], [3], "ab", []):
        yield target("files", rows)
        yield target("parallel", rows)
    yield target("files", 3)
    for kind in ("files", "parallel", "files_re"):
        yield target(kind)
    yield target("files_re", "*", "a")
    for directories in (["d1"], ["d2", "d1"], [["z", "y"]], [[]], [3]):
        yield target("mkdir", *directories)
    yield target("mkdir", ["a.fq", "data/b.1.fq"], tagged("formatter"), "{path[0]}/{basename[0]}.dir")
    yield target("mkdir", ["a.fq", "data/b.1.fq"], tagged("suffix", ".fq"), ".dir", output_dir="there")
    yield target("mkdir", ["a.fq"], tagged("regex", "(a)"), tagged("add_inputs", "x"), r"\1/dir")
    yield target("merge", [], "out")
    yield target(
        "collate", [["a.1", "b"], ["a.2"], "a.3", "b.1", "b.1"], tagged("regex", r"^(.)\."), r"\1.sum", ["k", 3]
    )


def texts():
    """Exceptions, abbreviations and components."""
    row = ["main.stage", "Job = [a -> b]", "builtins.ValueError", "(bad)", "Traceback ...\n  line\n"]
    yield {"class": "RethrownJobError", "args": [[row]]}
    yield {
        "class": "RethrownJobError",
        "args": [[row, ["mkdir 'x'", "", "E", "", "t"]]],
        "about": ["s", "Exceptions running jobs"],
    }
    yield {"class": "RethrownJobError", "args": [[["", "", "E", "", "t"]]]}
    yield {"class": "error_task", "args": ["one", 2]}
    yield {"class": "error_task", "args": [], "about": ["s", "Wrong"]}
    yield {"class": "error_task_get_output", "args": [{"stage": "s"}, "Wrong\nindeed", "x", 3]}
    yield {"class": "MissingInputFileError", "args": ["No way"], "about": ["s", ""]}
    values = [
        *FILES, "/a/b/c/d/e/f.txt", "/a/b", "a/b/c/d.e", "../x", "../../x/y/z", "./a/b", "a//b///c", "/", "", "a/b/",
        "x" * 60,
        [*FILES[:4]], tagged("tuple", "a/b/c/d", 3, None), [["a/b/c", ["d/e/f/g"]], "h"], pairs(k="a/b/c/d"),
        'q"uote', 3.5,
        [f"/very/long/way/to/file{number}.txt" for number in range(9)],
    ]  # fmt: skip
    for value in values:
        for level in (0, 1, 2, 3, 7, -5, -20, -55, -100):
            yield {"abbreviate": value, "level": level}
    for path in [
        *FILES,
        "/a/b/c.txt",
        "./",
        "/.",
        "./a/",
        "a/b/",
        "..",
        "./../x",
        "/",
        "//",
        "",
        "a.b/c",
        "...",
        ".x.y",
        "./a.b",
    ]:
        yield {"decompose": path}


def all_cases():
    """Every case, in an order that does not change."""
    cases = [*written_out()]
    draw = Draw(2009)
    for _ in range(60):
        cases += [filtered(draw, kind) for kind in ("transform", "transform", "subdivide", "collate")]
    for _ in range(20):
        cases += [chosen(draw, kind) for kind in ("permutations", "combinations", "combinations_with_replacement")]
        cases += [product(draw), product(draw), old_style(draw), old_style(draw), old_style(draw)]
        cases += [plain(draw, kind) for kind in ("originate", "split", "merge")]
    return [*cases, *texts()]
