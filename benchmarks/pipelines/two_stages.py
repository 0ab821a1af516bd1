"""Two stages, each of which makes one file of one file: `python two_stages.py LIBRARY [touch]`, in the files' folder.

The library is `ruffus` or `gangline.pipeline`: the program is the same. `touch` enters the files into the history.
"""

import sys
from importlib import import_module

library = import_module(sys.argv[1])


@library.transform("*.a", library.suffix(".a"), ".b")
def first(read, made):
    with open(made, "w") as file:
        file.write("done\n")


@library.transform(first, library.suffix(".b"), ".c")
def second(read, made):
    with open(made, "w") as file:
        file.write("done\n")


library.pipeline_run(verbose=0, touch_files_only="touch" in sys.argv)
