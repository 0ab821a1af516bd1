"""Executes programs and describes the stages that they declare; with Gangline or, as a script, with upstream.

python describing.py < programs.json > answers.json
"""

import contextlib
import json
import re
import sys

START = "def work(*args): pass\n"
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def describe(package, world, program, directory):
    """What a program declares, or how it fails.

    Args:
        package: The module whose names the program uses.
        world: Looks into the stages, see `Upstream` and `playing.Gangline`.
        program: Its text.
        directory: The current folder, which must not show.
    """
    world.clear()
    names = {"__name__": "__main__"}
    exec(f"from {package} import *\n{START}", names)
    try:
        exec(program, names)
        asked = {key: names.get(key) for key in ("TARGETS", "FORCED", "PIPELINE")}
        answer = world.look(asked, names.get("FRESH", []), names.get("MAXIMAL", True), names.get("RUNTIME", {}))
    except Exception as error:
        answer = {"error": [type(error).__name__, str(error)]}
    return json.loads(ADDRESS.sub("", json.dumps(answer).replace(directory, "HERE")))


class Upstream:
    """Looks into upstream's stages."""

    def __init__(self):
        from ruffus import graph, task

        self.task, self.graph = task, graph

    def clear(self):
        self.graph.node._all_nodes.clear()
        self.task.Pipeline.clear_all()
        self.task.main_pipeline = self.task.Pipeline("main")
        self.task.Task._job_limit_semaphores.clear()

    def look(self, asked, fresh, maximal, runtime):
        prepared = self.task._pipeline_prepare_to_run(
            0, None, asked["PIPELINE"], runtime, asked["TARGETS"], asked["FORCED"]
        )
        runtime, targets, forced = prepared[3:]
        everything, _, _, circle = self.graph.topologically_sorted_nodes(targets, True)
        if circle:
            return {"circle": sorted(stage._name for stage in circle)}
        needed, _, _, _ = self.graph.topologically_sorted_nodes(
            targets, forced, maximal, signal_callback=lambda stage, _: stage._name in fresh
        )
        stages = {stage._get_display_name(): self.stage(stage, runtime) for stage in everything}
        return {"stages": stages, "needed": sorted(stage._get_display_name() for stage in needed)}

    def stage(self, stage, runtime):
        jobs = [[[], []]] if stage.param_generator_func is None else stage.param_generator_func(runtime)
        limits = stage._job_limit_semaphores
        kind = stage._action_type_desc
        if "binations" in str(stage.error_type) or "permutations" in str(stage.error_type):
            kind = stage.error_type.__name__.removeprefix("error_")  # upstream does not tell them from plain stages
        return {
            "name": stage._name,
            "parents": sorted(parent._get_display_name() for parent in stage._get_inward()),
            "description": stage.func_description,
            "kind": kind,
            "jobs": [[repr(list(params)), repr(list(shown))] for params, shown in jobs],
            "outputs": repr(stage._get_output_files(False, runtime)),
            "bare": repr(stage._get_output_files(True, runtime)),
            "limit": [stage.semaphore_name, limits[stage.semaphore_name]] if stage.semaphore_name in limits else None,
            "active": stage.is_active,
            "posttasks": len(stage.posttask_functions),
            "main process": stage._run_in_main_process,
            "graphviz": getattr(stage, "graphviz_attributes", {}),
            "own check": getattr(stage.needs_update_func, "__name__", "") == "work",
        }


def main():
    world = Upstream()
    question = json.load(sys.stdin)
    answers = {}
    for name, program in question["programs"].items():
        with contextlib.redirect_stdout(sys.stderr):
            answers[name] = describe("ruffus", world, program, question["directory"])
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
