"""A client whose tasks are jobs of the scheduler that is named; prints what became of them as JSON."""

from __future__ import annotations

import json
import sys

from gangline import AsyncResult, Client, Command
from gangline.errors import GanglineError
from gangline.pipeline import Pipeline, suffix


def told(result: AsyncResult) -> list[object]:
    """What became of a task: its value and its output, or its error."""
    try:
        value = result.get(timeout=120)
    except GanglineError as error:
        return [getattr(error, "ename", type(error).__name__), str(error)]
    return [getattr(value, "exit_code", value), result.stdout]


def main(system: str) -> None:
    """Run everything once."""
    with Client(backend="batch", system=system) as client:
        view = client.load_balanced_view()
        commands = {
            "fine": Command("echo $COLOUR; cat", env={"COLOUR": "red"}, input=b"in\n"),
            "code": Command("echo why >&2; exit 3"),
            "signal": Command("kill -KILL $$"),
            "refused": Command("true", resources={"queue": "no-such-queue"}),
            "late": Command("sleep 100", resources={"wall_time": 3}),
        }
        results = {name: view.apply(command) for name, command in commands.items()}
        results["call"] = view.apply(pow, 2, 5)
        array = [view.apply(Command(f"echo {number}")) for number in range(20)]
        answers: dict[str, object] = {name: told(result) for name, result in results.items()}
        answers["array"] = [told(result) for result in array]
        taken_back = view.apply(Command("sleep 100"))
        client.abort(taken_back, interrupt=True)
        answers["taken back"] = told(taken_back)
    with open("a.txt", "w") as file:
        file.write("text\n")
    pipeline = Pipeline("jobs")
    pipeline.transform("tr a-z A-Z < {input} > {output}", ["a.txt"], suffix(".txt"), ".up", name="upper case")
    pipeline.run(backend="batch", batch={"options": {"js": 1} if system == "sge" else {}}, verbose=0)
    with open("a.up") as file:
        answers["pipeline"] = file.read()
    print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1])
