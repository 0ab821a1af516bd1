# ruff: noqa: F403, F405 (a program takes all names of the vocabulary, as its users write it)
from ruffus import *
from ruffus.combinatorics import *
from telling import put, tell, tell_files


@originate([["a.x", "a.y"], ["b.x", "b.y"]])
def pairs(outputs):
    for name in outputs:
        put(name, name)


@product(
    pairs,
    formatter(r"(?P<N>\w)\.x"),
    pairs,
    formatter(r"(?P<N>\w)\.x"),
    "{N[0][0]}{N[1][0]}.product",
    "{basename[0][0]}",
)
def multiply(sources, output, stem):
    put(output, repr((sources, stem)))


@permutations(pairs, formatter(), 2, "{basename[0][0]}{basename[1][0]}.permutation")
def permute(sources, output):
    put(output, repr(sources))


@combinations(multiply, formatter(), 3, "{basename[0][0]}{basename[1][0]}{basename[2][0]}.combination")
def combine_them(sources, output):
    put(output, repr(sources))


@combinations_with_replacement(pairs, formatter(), 2, "{basename[0][0]}{basename[1][0]}.replaced")
def replace_them(sources, output):
    put(output, repr(sources))


@transform(pairs, suffix(".x"), add_inputs("a.y"), [".one", ".two"], 1, "two")
def several(sources, outputs, *extras):
    for name in outputs:
        put(name, repr((sources, extras)))


@files([["a.x", "f1"], [["a.x", "b.x"], ["f2", "f3"], "more"]])
@follows(pairs)
def filed(sources, outputs, *extras):
    for name in outputs if isinstance(outputs, list) else [outputs]:
        put(name, repr((sources, extras)))


@parallel([["one", 1], ["two", 2]])
@follows(filed, mkdir("deep/er", "other"))
def side(*params):
    put(f"side.{params[1]}", repr(params))


@follows(multiply, permute, combine_them, replace_them, several, side)
def everything():
    put("done")


for verbose in (1, 3, 4):
    tell(f"verbose={verbose}", pipeline_run, [everything], verbose=verbose, ordered=False)
tell_files()

builder = Pipeline("builder")
builder.originate(name="begin", task_func=lambda output: put(output), output=["p.1", "p.2"])
task = builder.transform(
    name="go on",
    task_func=lambda source, output: put(output),
    input=output_from("begin"),
    filter=suffix(""),
    output=".out",
)
task.follows(builder.mkdir("for_builder"))
tell("objects", builder.run, verbose=3, ordered=False)
tell("objects again", builder.run, verbose=3, ordered=False)
twin = builder.clone("twin")
tell("clone", twin.run, ["go on"], ["twin::begin"], verbose=1)
tell_files()


@transform(pairs, regex(r"nothing"), "nothing.out")
def without_match(source, output):
    put(output)


tell("no match", pipeline_run, [without_match], verbose=1)
tell("no match, why", pipeline_run, [without_match], verbose=4)
