"""What upstream answers to declarations of stages: reads cases from standard input, writes answers to standard output.

Runs in upstream's environment, without Gangline and without files: the folder and the globs are those of the case.

    python oracle.py < question.json > answers.json
"""

import fnmatch
import glob
import json
import os
import sys

from ruffus import (
    add_inputs,
    combine,
    formatter,
    inputs,
    output_from,
    regex,
    ruffus_exceptions,
    runtime_parameter,
    suffix,
)
from ruffus import task as task_module
from ruffus.ruffus_utility import get_nested_tasks_or_globs, path_decomposition, shorten_filenames_encoder
from ruffus.task import Pipeline

DIRECTORY = "/lab/run"
WORDS = {word.__name__: word for word in (add_inputs, combine, formatter, inputs, output_from, regex, suffix)}


def decode(value, stages):
    if isinstance(value, list):
        return [decode(part, stages) for part in value]
    if not isinstance(value, dict):
        return value
    kind, content = value["is"], value["of"]
    if kind == "stage":
        return stages[content]
    if kind == "runtime":
        return runtime_parameter(content)
    if kind == "rows":
        rows = decode(content, stages)
        return lambda: rows
    if kind == "dict":
        return {key: decode(part, stages) for key, part in content.items()}
    parts = [decode(part, stages) for part in content]
    if kind in ("tuple", "set"):
        return {"tuple": tuple, "set": set}[kind](parts)
    return WORDS[kind](*parts)


def encode(value):
    if isinstance(value, list):
        return [encode(part) for part in value]
    if isinstance(value, tuple):
        return {"is": "tuple", "of": [encode(part) for part in value]}
    if isinstance(value, set):
        return {"is": "set", "of": sorted((encode(part) for part in value), key=str)}
    if isinstance(value, dict):
        return {"is": "dict", "of": {str(key): encode(part) for key, part in value.items()}}
    return value


def work(*arguments):
    raise AssertionError("no job is run here")


def outputs(task, case):
    """The outputs as another stage's input; None where upstream fails over parameters that have no length."""
    try:
        return encode(task._get_output_files(False, dict(case.get("runtime", {}))))
    except TypeError:
        return None


def answer_stage(number, case):
    pipeline = Pipeline(f"case{number}")
    stages = {}
    runtime_data = dict(case.get("runtime", {}))
    try:
        for stage in case["stages"]:
            task = pipeline._create_task(work, stage["name"])
            named = {name: decode(value, stages) for name, value in stage.get("named", {}).items()}
            declare = getattr(task, "_decorator_" + stage["kind"])
            if stage["kind"] == "mkdir":
                task.syntax = "@mkdir"
                task._prepare_mkdir([decode(part, stages) for part in stage["args"]], named, "@mkdir(%s)")
            else:
                declare(*[decode(part, stages) for part in stage["args"]], **named)
            stages[stage["name"]] = task
        pipeline._complete_task_setup(set())
        jobs = [
            [encode(params), encode(shown)] if repr(params) != repr(shown) else [encode(params)]
            for params, shown in task.param_generator_func(runtime_data)
        ]
    except Exception as error:
        return {"error": [type(error).__name__, str(error)]}
    answer = {"jobs": jobs, "outputs": outputs(task, case)}
    for key, name in (("ruffus_WARNING", "warnings"), ("MATCH_FAILURE", "unmatched")):
        notes = runtime_data.get(key, {})
        answer[name] = sorted(text for texts in notes.values() for text in texts)
    return answer


class InOrder(list):
    """Instead of the set that upstream collects globs in: which of them fails first must not be left to chance."""

    def add(self, pattern):
        if pattern not in self:
            self.append(pattern)


class Stage:
    def __init__(self, name):
        self._name = name


def answer_exception(case):
    kind = getattr(ruffus_exceptions, case["class"])
    arguments = [Stage(part["stage"]) if isinstance(part, dict) else part for part in case["args"]]
    error = kind(*arguments)
    if "about" in case:
        error.specify_task(Stage(case["about"][0]), case["about"][1])
    return {"text": str(error), "bases": [base.__name__ for base in kind.__mro__ if "error_task" in base.__name__]}


def answer(number, case):
    if "stages" in case:
        return answer_stage(number, case)
    if "class" in case:
        return answer_exception(case)
    if "abbreviate" in case:
        return shorten_filenames_encoder(decode(case["abbreviate"], {}), case["level"])
    return path_decomposition(case["decompose"])


def main():
    question = json.load(sys.stdin)
    os.getcwd = lambda: DIRECTORY
    glob.glob = lambda pattern: [name for name in question["files"] if fnmatch.fnmatchcase(name, pattern)]
    task_module.get_nested_tasks_or_globs = lambda part: get_nested_tasks_or_globs(part, False, set(), [], InOrder())
    json.dump([answer(number, case) for number, case in enumerate(question["cases"])], sys.stdout)


if __name__ == "__main__":
    main()
