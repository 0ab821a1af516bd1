"""One of several processes at a queue. It gets the queue's URL and what to do, and says what it did, as JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from gangline.errors import JobExists
from gangline.store.jobs import open_store
from gangline.store.jobs.port import Claim, Ending, JobStore, Lane, NewJob, State


def main() -> None:
    url, plan = sys.argv[1], json.loads(sys.argv[2])
    store = open_store(url)
    uid = store.register(plan["name"], plan["host"], 1, 1, 60.0) if "room" in plan else ""
    print("ready", flush=True)
    sys.stdin.readline()
    if "room" in plan:
        answer = work(store, uid, plan)
    elif "enter" in plan:
        answer = {"entered": [store.add([job(str(number))])[0] for number in range(plan["enter"])]}
    elif "enter_equal" in plan:
        answer = {"won": [str(number) for number in range(plan["enter_equal"]) if enter(store, number)]}
    else:
        print("going", flush=True)
        while True:
            store.add([job("")._replace(unique=False) for _ in range(plan["enter_forever"])])
    print(json.dumps(answer))
    store.close()


def work(store: JobStore, uid: str, plan: dict[str, Any]) -> dict[str, Any]:
    """Take jobs until so many are complete."""
    taken: list[int] = []
    lost: list[Any] = []
    endings: list[Ending] = []
    most_running = turns = 0
    if "reach" in plan:
        taken_first = reach(store, uid, plan)
        endings = [Ending(claim.id, claim.fence, "complete") for claim in taken_first]
        taken = [claim.id for claim in taken_first]
        most_running = plan["reach"]
    while True:
        result = store.turn(uid, endings, room=plan["room"], ahead=plan.get("ahead"))
        lost += result.lost
        turns += 1
        if "watch" in plan and turns % 3 == 0:
            most_running = max(most_running, store.count({"name": plan["watch"], "state": "running"}))
        every = plan.get("release_every")
        kinds = ["released" if every and (claim.id + turns) % every == 0 else "complete" for claim in result.claimed]
        endings = [
            Ending(claim.id, claim.fence, kind)  # type: ignore[arg-type]
            for claim, kind in zip(result.claimed, kinds, strict=True)
        ]
        taken += [claim.id for claim, kind in zip(result.claimed, kinds, strict=True) if kind == "complete"]
        if result.claimed and "hold_s" in plan:
            time.sleep(plan["hold_s"])
        if (
            not result.claimed
            and not store.wait_for_change(0.2)
            and store.count_states().get(State.COMPLETE, 0) >= plan["until"]
        ):
            return {"taken": taken, "lost": lost, "most_running": most_running}


def reach(store: JobStore, uid: str, plan: dict[str, Any]) -> list[Claim]:
    """Take jobs and end none, until so many of a class run, here and elsewhere."""
    claims: list[Claim] = []
    while store.count({"name": plan["watch"], "state": "running"}) < plan["reach"]:
        claims += store.turn(uid, room=plan["room"]).claimed
    return claims


def job(key: str) -> NewJob:
    return NewJob(Lane("tests.Job"), json.dumps({"key": key}), f"{key:>16}".encode()[-16:])


def enter(store: JobStore, number: int) -> bool:
    try:
        store.add([job(f"same {number}")])
    except JobExists:
        return False
    return True


if __name__ == "__main__":
    main()
