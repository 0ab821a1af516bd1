"""What Gangline prints and draws for a case; the counterpart of `oracle.py`."""

import io
import os

import gangline.pipeline
from gangline.pipeline.graphs.drawing import graph_colour_demo_printout, pipeline_printout_graph
from gangline.pipeline.printing.printout import pipeline_printout
from gangline.pipeline.stages.pipeline import Pipeline
from tests.unit.pipeline.printing.files import lay_files
from tests.unit.pipeline.printing.programs import PROGRAMS

__all__ = ["declare", "play"]


def words():
    return {name: getattr(gangline.pipeline, name) for name in gangline.pipeline.__all__ if name[0] != "_"}


def declare(source):
    """Run a program that declares stages; all that were declared before are forgotten."""
    Pipeline.clear_all()
    exec(source, words() | {"__name__": "__main__"})


def play(case, folder):
    if "demo" in case:
        stream = io.StringIO()
        graph_colour_demo_printout(stream, case["demo"])
        return {"text": stream.getvalue()}
    source, files = PROGRAMS[case["program"]]
    os.chdir(folder)
    lay_files(files)
    declare(source)
    try:
        if "graph" in case:
            stream = io.BytesIO()
            pipeline_printout_graph(stream, "dot", **case["graph"])
            return {"text": stream.getvalue().decode()}
        stream = io.StringIO()
        pipeline_printout(stream, **case["options"])
        return {"text": stream.getvalue()}
    except Exception as error:
        return {"error": type(error).__name__}
