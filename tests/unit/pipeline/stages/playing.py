"""Describes the stages of a program as Gangline declares them."""

import json

from gangline.pipeline.stages.expansion import Expansion
from gangline.pipeline.stages.pipeline import Pipeline
from gangline.pipeline.stages.selection import select
from tests.unit.pipeline.stages.describing import describe

__all__ = ["play"]


class Gangline:
    """Looks into stages; see `describing.Upstream`."""

    def clear(self):
        Pipeline.clear_all()

    def look(self, asked, fresh, maximal, runtime):
        try:
            chosen = select(asked["TARGETS"], asked["FORCED"], asked["PIPELINE"])
        except Exception as error:
            if type(error).__name__ != "error_circular_dependencies":
                raise
            names = str(error).partition("one or more of (")[2].rpartition(")")[0]
            return {"circle": sorted(names.split(", "))}
        order = chosen.graph.order
        assert all(order.index(parent) < order.index(stage) for stage in order for parent in stage.parents)
        needed = chosen.graph.needed(chosen.forced, lambda stage: stage.name in fresh, maximal_rebuild=maximal)
        assert needed == [stage for stage in order if stage in needed]
        expansion = Expansion(order, runtime)
        stages = {stage.display_name: self.stage(stage, expansion) for stage in order}
        return {"stages": stages, "needed": sorted(stage.display_name for stage in needed)}

    def stage(self, stage, expansion):
        jobs = expansion.jobs(stage)
        outputs = sorted(expansion.outputs(stage), key=str)
        return {
            "name": stage.name,
            "parents": sorted(parent.display_name for parent in stage.parents),
            "description": stage.description,
            "kind": stage.kind.value,
            "jobs": [[repr(list(job.params)), repr(list(job.shown))] for job in jobs],
            "outputs": repr(outputs),
            "bare": repr(expansion.outputs(stage)[0] if stage.is_single and outputs else outputs),
            "limit": list(stage.limit) if stage.limit else None,
            "active": expansion.is_active(stage),
            "posttasks": len(stage.posttasks),
            "main process": stage.in_main_process,
            "graphviz": dict(stage.graphviz_attributes),
            "own check": getattr(stage.uptodate_check, "__name__", "") == "work",
        }


def play(program, directory):
    """What a program declares in Gangline, run in the folder that is the current one."""
    return json.loads(json.dumps(describe("gangline.pipeline", Gangline(), program, directory)))
