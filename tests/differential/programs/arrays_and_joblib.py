"""NumPy arrays, joblib and many results at once."""

import logging
import math
import warnings

import ipyparallel as ipp
import joblib
import numpy as np
from transcript import show


def total(array):
    return float(array.sum())


def twice(array):
    return array * 2


def double(x):
    return 2 * x


def arrays(rc):
    data = np.arange(1000.0)
    view = rc[:]
    show("argument", view.apply_sync(total, data))
    show("result", np.array_equal(rc[0].apply_sync(twice, data), data * 2))
    view.push({"data": data}, block=True)
    show("pull", np.array_equal(rc[1]["data"], data))
    view.scatter("part", data, block=True)
    show("scatter", [part.shape for part in view["part"]])
    show(
        "gather",
        (type(view.gather("part").get(timeout=60)).__name__, np.array_equal(view.gather("part", block=True), data)),
    )
    show("two dimensions", rc[0].apply_sync(lambda a: a.T.shape, np.zeros((3, 4))))
    show(
        "kinds",
        [
            rc[0].apply_sync(lambda a: a, np.zeros(2, kind)).dtype.name
            for kind in ("int8", "float32", "complex128", "bool")
        ],
    )
    show("strings", rc[0].apply_sync(lambda a: a, np.array(["a", "bc"])).tolist())
    show("objects", rc[0].apply_sync(lambda a: a, np.array([None, {"a": 1}], dtype=object)).tolist())
    show("empty", rc[0].apply_sync(lambda a: a, np.zeros((0, 3))).shape)
    show("inside other things", rc[0].apply_sync(lambda pair: float(pair["a"][0].sum()), {"a": [np.ones(3)]}))
    show("mapped", [float(x) for x in rc.load_balanced_view().map_sync(lambda x: x + 1, np.arange(3.0))])
    show("mapped, direct", [float(x) for x in view.map_sync(lambda x: x + 1, np.arange(3.0))])
    show("mine is untouched", float(data[0]))


def parallel_numpy(rc):
    @rc[:].parallel(block=True)
    def halve(part):
        return part / 2

    show("parallel array", halve(np.arange(4.0)).tolist())


def with_joblib(rc):
    rc.load_balanced_view().register_joblib_backend("mine")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with joblib.parallel_config(backend="mine"):
            show("joblib", joblib.Parallel()(joblib.delayed(math.sqrt)(n) for n in range(8)))
        with joblib.parallel_config(backend="mine"):
            show("empty", joblib.Parallel()(joblib.delayed(math.sqrt)(n) for n in range(0)))


def many(rc):
    view = rc.load_balanced_view()
    ars = [view.apply_async(double, n) for n in range(200)]
    show("in order", [ar.get(timeout=60) for ar in ars] == [2 * n for n in range(200)])
    show("map", view.map(double, range(500), chunksize=50).get(timeout=60) == [2 * n for n in range(500)])


with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    for part in (arrays, parallel_numpy, with_joblib, many):
        print(f"== {part.__name__}")
        part(rc)
