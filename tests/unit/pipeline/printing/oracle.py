"""What upstream prints and draws: reads programs and cases from standard input, writes texts to standard output.

Runs in upstream's environment, without Gangline.

    python oracle.py < question.json > answers.json
"""

import io
import json
import os
import sys
import tempfile
import traceback

import ruffus
import ruffus.combinatorics
from files import lay_files


def answer(case, programs):
    if "demo" in case:
        stream = io.StringIO()
        ruffus.graph_colour_demo_printout(stream, case["demo"])
        return {"text": stream.getvalue()}
    source, files = programs[case["program"]]
    lay_files(files)
    exec(source, vars(ruffus) | vars(ruffus.combinatorics) | {"__name__": "__main__"})
    try:
        if "graph" in case:
            stream = io.BytesIO()
            ruffus.pipeline_printout_graph(stream, "dot", **case["graph"])
            return {"text": stream.getvalue().decode()}
        stream = io.StringIO()
        ruffus.pipeline_printout(stream, **case["options"])
        return {"text": stream.getvalue()}
    except Exception as error:
        return {"error": type(error).__name__}


def answer_apart(case, programs):
    """In a process and a folder of its own: upstream keeps what it was told."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        child = os.fork()
        if child == 0:
            try:
                os.chdir(folder)
                with open(writing, "w") as pipe:
                    json.dump(answer(case, programs), pipe)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writing)
        with open(reading) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
    return json.loads(text)


if __name__ == "__main__":
    question = json.load(sys.stdin)
    json.dump([answer_apart(case, question["programs"]) for case in question["cases"]], sys.stdout)
