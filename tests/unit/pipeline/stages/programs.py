"""Small programs that declare stages, as users write them; their text is in `programs.txt`.

Each is executed as `__main__` after `from PACKAGE import *`; `work` is any function, and the files `a.in`, `b.in` and
`c.in` are there. Its last lines may say what a run is asked for: TARGETS, FORCED and PIPELINE, RUNTIME (its data),
FRESH (the stages that have nothing to do) and MAXIMAL (its rebuild mode). A line `# CHAIN` or `# DIAMOND` stands for
the program of that name.
"""

from pathlib import Path

__all__ = ["PROGRAMS"]

_BEGINNINGS = ("CHAIN", "DIAMOND")


def _load():
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    programs = {}
    for section in text.split("\n=== ")[1:]:
        name, _, program = section.partition("\n")
        for beginning in _BEGINNINGS:
            program = program.replace(f"# {beginning}\n", programs.get(beginning, ""))
        programs[name] = program
    return {name: program for name, program in programs.items() if name not in _BEGINNINGS}


PROGRAMS = _load()
