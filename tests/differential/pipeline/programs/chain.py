# ruff: noqa: F403, F405 (a program takes all names of the vocabulary, as its users write it)
from ruffus import *
from telling import get, put, tell, tell_files


@mkdir("made")
@originate(["made/a.txt", "made/b.txt", "made/c.txt"], "extra")
def start(output, extra):
    """Makes the files
    to begin with"""
    put(output, extra)


@subdivide(start, formatter(), "{path[0]}/{basename[0]}.part*", "{path[0]}/{basename[0]}")
def cut(source, outputs, stem):
    for number in range(2):
        put(f"{stem}.part{number}", source[-5:])


@transform(cut, regex(r"(.+)/(\w)\.part(\d)"), r"\1/\2.\3.up")
def shout(source, output):
    put(output, get(source).upper())


@collate(shout, regex(r"(.+)/(\w)\.(\d)\.up"), r"\1/all.\3")
def gather(sources, output):
    put(output, "".join(sorted(get(name) for name in sources)))


@posttask(lambda: put("after"), touch_file("touched"))
@merge(gather, "made/end", 3)
def finish(sources, output, number):
    """The end."""
    put(output, f"{number} {len(sources)}")


@active_if(False)
@transform(finish, suffix(""), ".never")
def never(source, output):
    put(output)


for verbose in (0, 1, 3, 5):
    tell(f"verbose={verbose}", pipeline_run, [never], verbose=verbose)
    tell(f"again, verbose={verbose}", pipeline_run, [never], verbose=verbose)
    tell_files()
    import glob
    import os

    for name in glob.glob("made/*.1.up"):
        os.unlink(name)
for verbose in (2, 4, 6):
    tell(f"forced, verbose={verbose}", pipeline_run, [finish], [gather], verbose=verbose)
tell("path level 0", pipeline_run, [finish], [finish], verbose=4, verbose_abbreviated_path=0)
