"""One stage of trivial jobs: `python file_jobs.py LIBRARY PARALLELISM`, in the files' folder.

The library is `ruffus` or `gangline.pipeline`; the parallelism is as in `multiprocess=2`, or nothing.
"""

import sys
from importlib import import_module

library = import_module(sys.argv[1])
parallelism = dict([sys.argv[2].split("=")]) if len(sys.argv) > 2 else {}


@library.transform("*.a", library.suffix(".a"), ".b")
def write(read, made):
    with open(made, "w") as file:
        file.write("done\n")


library.pipeline_run(verbose=0, **{name: int(count) for name, count in parallelism.items()})
