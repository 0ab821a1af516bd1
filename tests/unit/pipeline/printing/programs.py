"""Pipelines for printouts and pictures, as programs that run with Ruffus and with Gangline, and the files they find."""

__all__ = ["PROGRAMS", "graph_cases", "printout_cases"]

CHAIN = '''
@originate(["a.raw", "b.raw"])
def make(output):
    """Makes raw files
       out of nothing."""

@transform(make, suffix(".raw"), ".clean", "option", 3)
def clean(input, output, word, number):
    pass

@collate(clean, regex(r"(.)\\.clean"), r"all.group", ["x", 'y"z'])
def group(inputs, output, names):
    "Groups them"

@merge(group, "summary.txt")
def summarise(inputs, output):
    pass
'''

GLOBS = """
@split("whole.txt", "part.*.txt", "extra")
def cut(input, outputs, extra):
    "Cuts the whole"

@subdivide(cut, formatter(), "{basename[0]}.*.piece", "{basename[0]}")
def chop(input, outputs, name):
    pass

@split(["x.1", "y.1"], regex(r"(.)\\.1"), r"\\1.*.2")
def cut_each(input, outputs):
    pass

@originate("z.txt", "extra", ["more"])
def make(output, *extras):
    pass

@merge([chop, cut_each, make], ["all.txt", "list.txt"], 7)
def join(inputs, outputs, number):
    pass
"""

DIRECTORIES = """
@mkdir("made", "there")
@follows(mkdir("other/deep"))
@transform("*.raw", suffix(".raw"), ".done")
def work(input, output):
    pass

@mkdir("*.raw", formatter(), "{basename[0]}.dir")
@transform(work, suffix(".done"), ".end")
def end(input, output):
    pass
"""

PLAIN = """
def told(*parameters):
    return True, "because I say so"

def told_not(*parameters):
    return False, "nothing to do"

def first():
    "Only comes first"

@follows(first)
@check_if_uptodate(told)
def second():
    pass

@follows(second)
@check_if_uptodate(told_not)
def third():
    pass

@follows(third)
@parallel([["a", 1], ["b", 2], [3]])
def side_by_side(*parameters):
    pass

@follows(side_by_side)
@transform(["a.raw", "b.raw"], suffix(".raw"), ".told")
@check_if_uptodate(told)
def transform_told(input, output):
    pass

@transform(transform_told, suffix(".told"), ".fine")
@check_if_uptodate(told_not)
def transform_told_not(input, output):
    pass

@follows(transform_told_not)
@parallel("a.raw", "b.raw")
@check_if_uptodate(told_not)
def one_job(*parameters):
    pass

@active_if(False)
@transform(transform_told_not, suffix(".fine"), ".never")
def inactive(input, output):
    "Takes no part"

@merge(inactive, "out.merged")
def after_inactive(inputs, output):
    pass
"""

NO_MATCH = """
@transform(["a.raw", "b.raw", "nothing.*.there"], suffix(".other"), ".never")
def no_suffix(input, output):
    pass

@follows(no_suffix)
@transform(["a.raw"], regex(r"^(c)\\.raw$"), r"\\1.never")
def no_regex(input, output):
    pass

@follows(no_regex)
@transform(["a.raw", "b.raw"], formatter(r"a\\.(?P<KIND>\\w+)$"), "{basename[0]}.{KIND[0]}.made")
def some_match(input, output):
    pass

@merge([], "empty.txt")
def empty(inputs, output):
    pass

@follows(some_match, empty)
@transform("none.*.txt", suffix(".txt"), ".no")
def no_files(input, output):
    pass
"""

CHOICES = """
@product(["a.raw", "b.raw"], formatter(r"(.)\\.raw"), ["x.1", "y.1"], formatter(r"(.)\\.1"),
         "{1[0][0]}{1[1][0]}.product", "{basename[0][0]}")
def pairs(input, output, name):
    pass

@permutations(pairs, formatter(), 2, "{basename[0][0]}_{basename[1][0]}.permuted")
def orders(input, output):
    pass

@follows(orders)
@combinations(["a.raw", "b.raw", "x.1"], formatter(), 2, "{basename[0][0]}_{basename[1][0]}.combined")
def choices(input, output):
    pass

@follows(choices)
@combinations_with_replacement(["a.raw", "b.raw"], formatter(), 2, "{basename[0][0]}_{basename[1][0]}.again")
def again(input, output):
    pass
"""

FILES = """
@files("whole.txt", "one.file")
def one(input, output):
    "One job, its output not in a list"

@files([["a.raw", "a.file"], ["b.raw", ["b.file", "b.list"], "extra"], [None, "none.file"]])
def several(input, output, extra=None):
    pass

@follows(one, several)
@files(lambda: iter([["x.1", "x.file", 3], ["y.1", "y.file", 4]]))
def listed(input, output, number):
    pass

@merge([one, several], "some/rather/deep/folder/with/many/names/in/its/path/that/go/on/and/on/merged.file")
def merged(input, output):
    pass

@files_re(["a.raw", "b.raw"], r"(.)\\.raw", r"\\1.re", "more")
def by_pattern(input, output, more):
    pass
"""

OBJECTS = """
def work(input, output, *extras):
    "Works"

def start(output):
    pass

inner = Pipeline("inner")
inner.originate(name="first", task_func=start, output=["in.a", "in.b"])
inner.transform(name="second", task_func=work, input=output_from("first"), filter=suffix(".a"), output=".second")
inner.set_head_tasks([inner["first"]])
inner.set_tail_tasks([inner["second"]])
copy = inner.clone("copy")
outer = Pipeline("outer")
outer.merge(name="both", task_func=work, input=[inner, copy], output="both.out").follows(outer.mkdir("there"))
"""

GRAPHVIZ = """
@graphviz(height=1.8, width=2, label_suffix=" (slow)", fillcolor='"#FFCCCC"', color="red")
@transform("*.raw", suffix(".raw"), ".one")
def coloured(input, output):
    pass

@graphviz(label_prefix="<B>1</B> ", label='<some <I>html</I>>', shape="component")
@transform(coloured, suffix(".one"), ".two")
def html(input, output):
    pass

@graphviz(label='"in quotes"', fontsize=30)
@split(html, "*.three")
def quoted(input, output):
    pass

@follows(mkdir("there", "made"), coloured)
@merge(quoted, "four")
def last(input, output):
    pass
"""

CIRCLE = """
@follows("third")
def first():
    pass

@follows(first)
def second():
    pass

@follows(second)
def third():
    pass

@follows(third)
def fourth():
    pass
"""

BRANCHES = """
@transform("*.raw", suffix(".raw"), ".left")
def left(input, output):
    pass

@transform("*.raw", suffix(".raw"), ".right")
def right(input, output):
    pass

@transform(left, suffix(".left"), ".target")
def target(input, output):
    pass

@merge([target, right], "beyond")
def beyond(input, output):
    pass

@transform(right, suffix(".right"), ".aside")
def aside(input, output):
    pass
"""

RAW = {"a.raw": 10, "b.raw": 20, "x.1": 30, "y.1": 40, "whole.txt": 50}

CHAIN_FILES = {"a.raw": 1, "b.raw": 1, "a.clean": 2, "b.clean": 2, "all.group": 3, "summary.txt": 4}
BRANCH_FILES = RAW | {"a.left": 60, "b.left": 60, "a.right": 60, "b.right": 60}

# Name: source and files, with the second after a fixed moment in which each was written; a folder ends with a slash.
PROGRAMS = {
    "chain, nothing there": (CHAIN, {}),
    "chain, all there": (CHAIN, {"a.raw": 1, "b.raw": 1, "a.clean": 2, "b.clean": 2, "all.group": 3, "summary.txt": 4}),
    "chain, one too new": (CHAIN, CHAIN_FILES | {"b.raw": 9.5}),
    "chain, as old": (CHAIN, {"a.raw": 1, "b.raw": 1, "a.clean": 1, "b.clean": 2, "all.group": 3, "summary.txt": 4}),
    "chain, one missing": (CHAIN, {"a.raw": 1, "b.raw": 1, "a.clean": 2, "b.clean": 2, "summary.txt": 4}),
    "globs, nothing there": (GLOBS, RAW),
    "globs, parts there": (GLOBS, RAW | {"part.1.txt": 60, "part.2.txt": 61, "part.1.a.piece": 70, "z.txt": 1}),
    "directories": (DIRECTORIES, RAW | {"there/": 1, "b.done": 30}),
    "plain": (PLAIN, RAW),
    "no match": (NO_MATCH, RAW),
    "choices": (CHOICES, RAW),
    "files": (FILES, RAW | {"a.file": 60, "none.file": 1, "a.re": 1}),
    "objects": (OBJECTS, RAW),
    "graphviz": (GRAPHVIZ, RAW),
    "circle": (CIRCLE, {}),
    "branches": (BRANCHES, BRANCH_FILES | {"a.target": 70, "b.target": 70}),
    "branches, stale": (BRANCHES, BRANCH_FILES | {"a.target": 55, "b.target": 55}),
}  # fmt: skip


def printout_cases():
    """Programs with the options of a printout."""
    for name in PROGRAMS:
        if name == "circle":
            continue
        for verbose in (*range(1, 8), 11):
            yield {"program": name, "options": {"verbose": verbose, "checksum_level": 0}}
        yield {"program": name, "options": {"verbose": 6, "checksum_level": 1}}
        yield {"program": name, "options": {"verbose": 5, "checksum_level": 0, "gnu_make_maximal_rebuild_mode": False}}
        yield {"program": name, "options": {"verbose": 7, "checksum_level": 0, "wrap_width": 60, "indent": 0}}
        for level in (1, 3, -12):
            yield {"program": name, "options": {"verbose": 6, "checksum_level": 0, "verbose_abbreviated_path": level}}
    for name, targets, forced in (
        ("chain, all there", [], ["clean"]),
        ("chain, all there", ["group"], ["make", "group"]),
        ("chain, one missing", ["clean"], []),
        ("branches", ["target"], ["left"]),
        ("branches, stale", ["beyond", "aside"], []),
        ("objects", ["outer::both"], ["copy"]),
    ):
        for verbose in (1, 5, 6):
            options = {"verbose": verbose, "checksum_level": 0, "target_tasks": targets, "forcedtorun_tasks": forced}
            yield {"program": name, "options": options}
    yield {"program": "chain, nothing there", "options": {}}
    yield {"program": "chain, nothing there", "options": {"verbose": 0}}
    yield {"program": "circle", "options": {}}


def graph_cases():
    """Programs with the options of a picture in the language of `dot`."""
    for name in PROGRAMS:
        yield {"program": name, "graph": {}}
        yield {"program": name, "graph": {"draw_vertically": False, "no_key_legend": True, "pipeline_name": "A name"}}
    for scheme in range(9):
        colours = {"colour_scheme_index": scheme}
        yield {"program": "branches, stale", "graph": {"minimal_key_legend": False, "user_colour_scheme": colours}}
    changed = {"Final target": {"fillcolor": '"#123456"', "dashed": 1}, "Up-to-date": {"linecolor": "blue"}}
    changed |= {"Pipeline": {"fontcolor": "green"}, "Key": {"fontcolor": "red"}}
    yield {"program": "branches", "graph": {"user_colour_scheme": changed}}
    for targets, forced in (
        (["target"], []),
        (["target"], ["left"]),
        ([], ["left"]),
        (["right", "target"], ["target"]),
    ):
        for name in ("branches", "branches, stale"):
            options = {"target_tasks": targets, "forcedtorun_tasks": forced}
            yield {"program": name, "graph": options}
            yield {"program": name, "graph": options | {"ignore_upstream_of_target": True}}
            yield {"program": name, "graph": options | {"gnu_make_maximal_rebuild_mode": False}}
            yield {"program": name, "graph": options | {"test_all_task_for_update": False}}
    yield {"demo": "dot"}
