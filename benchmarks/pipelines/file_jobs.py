"""One stage of trivial jobs: `python file_jobs.py LIBRARY PARALLELISM`, in the files' folder.

The library is `ruffus` or `gangline.pipeline`; the parallelism is as in `multiprocess=2`, or nothing. How many seconds
`pipeline_run` took is left in the file `inside`.
"""

import sys
import time
from importlib import import_module

library = import_module(sys.argv[1])
parallelism = dict([sys.argv[2].split("=")]) if len(sys.argv) > 2 else {}


@library.transform("*.a", library.suffix(".a"), ".b")
def write(read, made):
    with open(made, "w") as file:
        file.write("done\n")


begun = time.perf_counter()
library.pipeline_run(verbose=0, **{name: int(count) for name, count in parallelism.items()})
with open("inside", "w") as file:
    file.write(str(time.perf_counter() - begun))
