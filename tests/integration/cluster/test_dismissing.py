"""An engine that is not needed any more ends only when it is known that it was not lost."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from distributed import Scheduler, Security

from gangline.cluster.adapting import Bounds
from gangline.cluster.keys import make_keys
from gangline.cluster.scheduler import _Roster

ENGINE = """
import json, sys
from gangline.cluster.engine import serve
serve(json.loads(sys.argv[1]), lambda up: None)
"""
WORDS = ("joined", "dismissed", "left")
STILL_S = 2.0


class Keeper:
    """Hears what the scheduler tells, and lets that stand still for a while when an engine was dismissed."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.pid = 0
        self.lived = False

    def tell(self, word: dict[str, Any]) -> None:
        self.told += [(what, word[what]) for what in WORDS if what in word]
        if "joined" in word:
            self.pid = word["pid"]
        if "dismissed" in word:
            time.sleep(STILL_S)
            self.lived = os.path.exists(f"/proc/{self.pid}/cwd")


def test_that_an_engine_was_dismissed_is_told_before_it_ends(tmp_path: Path) -> None:
    keeper, keys = Keeper(), make_keys()

    async def main() -> None:
        files = {"tls_ca_file": keys["ca"], "require_encryption": True}
        security = Security(tls_scheduler_cert=keys["certificate"], tls_scheduler_key=keys["key"], **files)
        async with Scheduler(
            host="127.0.0.1", port=0, protocol="tls", security=security, dashboard=False,
            dashboard_address="127.0.0.1:0", local_directory=str(tmp_path),
        ) as scheduler:  # fmt: skip
            roster = _Roster(scheduler, keeper.tell, Bounds(0, 1, idle_s=0.0))
            scheduler.add_plugin(roster)
            order = {
                **keys, "address": scheduler.address, "name": "engine", "host": "127.0.0.1", "keepalive_s": 10.0,
                "scratch": str(tmp_path),
            }  # fmt: skip
            engine = await asyncio.create_subprocess_exec(sys.executable, "-c", ENGINE, json.dumps(order))
            assert await engine.wait() == 0
            while scheduler.workers:
                await asyncio.sleep(0.01)
            assert roster._adapting is not None
            roster._adapting.cancel()

    asyncio.run(main())
    assert keeper.told == [("joined", "engine"), ("dismissed", "engine"), ("left", "engine")]
    assert keeper.lived
