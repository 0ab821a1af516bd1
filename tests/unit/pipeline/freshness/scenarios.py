"""Folders of files with a history, and one question each: does this job have to run, and why?

Everything is made from one seed, so that the answers can be recorded. This module also is the program that asks Ruffus:

    python scenarios.py < /dev/null > upstream.json
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from types import SimpleNamespace
from typing import Any

COUNT = 300
NAMES = ["a", "b.txt", "s/c", "s/deep/er/d.txt", "./e", "sub/../f"]
NOW = 1_700_000_000.0
AGES = [0, 0.5, 1, 1, 2, 5, 100]
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where nothing waits for a disk."""


def first(i: Any, o: Any, *extras: Any) -> Any:
    return open(o, 3)


def second(i: Any, o: Any, *extras: Any, k: int = 3) -> Any:
    return [y + 1 for y in range(4) if first]


FUNCTIONS = {"first": first, "second": second}


def scenarios() -> list[dict[str, Any]]:
    """All questions, as JSON knows them."""
    rng = random.Random(3)
    return [_scenario(rng) for _ in range(COUNT)]


def _scenario(rng: random.Random) -> dict[str, Any]:
    function, extras = rng.choice(list(FUNCTIONS)), rng.choice([[], [1], ["a", [2]]])
    files = {name: rng.choice(AGES) for name in NAMES if rng.random() < 0.93}
    links = {name: rng.choice(["a", "b.txt", "nope"]) for name in ("link", "s/link") if rng.random() < 0.5}
    entries = {
        name: [
            rng.choice([*AGES, -0.3, 0.01]),
            function if rng.random() < 0.9 else "first",
            extras if rng.random() < 0.9 else [9],
        ]
        for name in (*NAMES, "link")
        if rng.random() < 0.9
    }
    params = [_pick(rng), _pick(rng) if rng.random() < 0.4 else rng.choice(NAMES), *extras]
    return {
        "history": rng.choice(["h.sqlite", "s/h.sqlite"]),
        "files": files,
        "links": links,
        "entries": entries,
        "level": rng.randrange(4),
        "function": function,
        "params": params[: rng.choice([1] + [9] * 14)],
        "words": rng.choice([-55, -30, 0, 1, 2, 3]),
        "times": rng.random() < 0.3,
    }


def _pick(rng: random.Random) -> Any:
    names = [*NAMES, "link", "s/link"]
    several = [rng.choice(names) for _ in range(rng.randrange(1, 4))]
    return rng.choice([None, [], rng.choice(names), several, [rng.choice(names), [rng.choice(names), 7]]])


def lay_out(scenario: dict[str, Any]) -> None:
    """Make the files of a scenario in the current folder."""
    for folder in ("s/deep/er", "sub"):
        os.makedirs(folder)
    for name, age in scenario["files"].items():
        with open(name, "w", encoding="utf-8"):
            pass
        os.utime(name, (NOW - age, NOW - age))
    for name, target in scenario["links"].items():
        os.symlink(os.path.abspath(target), name)


def ask(scenario: dict[str, Any], utility: Any, check: Any) -> Any:
    """The answer of a program to a scenario in the current folder.

    Args:
        scenario: The question.
        utility: The program's module `ruffus_utility`.
        check: Its function `needs_update_check_modify_time`.
    """
    history = utility.open_job_history(scenario["history"])
    for name, (age, function, extras) in scenario["entries"].items():
        key = utility.get_history_file_path(name, history)
        made_by = SimpleNamespace(user_defined_work_func=FUNCTIONS[function])
        history[key] = utility.JobHistoryChecksum(key, NOW - age, tuple(extras), made_by)
    task = SimpleNamespace(user_defined_work_func=FUNCTIONS[scenario["function"]], checksum_level=scenario["level"])
    try:
        stale, words = check(
            *scenario["params"],
            task=task,
            job_history=history,
            verbose_abbreviated_path=scenario["words"],
            return_file_dates_when_uptodate=scenario["times"],
        )
    except IndexError:  # upstream, when it shows the times of no outputs
        return None
    finally:
        history.con.close()
    return [stale, words.replace(os.getcwd(), "FOLDER")]


def answers(utility: Any, check: Any) -> list[Any]:
    """The answers of a program to all scenarios, each in a folder of its own."""
    found = []
    before = os.getcwd()
    for scenario in scenarios():
        with tempfile.TemporaryDirectory(prefix="gangline-scenario-", dir=IN_MEMORY) as folder:
            os.chdir(folder)
            try:
                lay_out(scenario)
                found.append(ask(scenario, utility, check))
            finally:
                os.chdir(before)
    return found


if __name__ == "__main__":
    import ruffus
    import ruffus.ruffus_utility

    json.dump(answers(ruffus.ruffus_utility, ruffus.needs_update_check_modify_time), sys.stdout, indent=0)
