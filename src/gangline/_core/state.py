"""The scheduler's whole state, as plain data. Only the machine changes it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from random import Random

from gangline._core.commands import Command
from gangline._core.engines import Engine
from gangline._core.lanes import Lane, Lanes
from gangline._core.ledger import Ledger
from gangline._core.limits import Limits, Pool
from gangline._core.pacing import Pace
from gangline._core.placement import Openings
from gangline._core.task import Task
from gangline._core.timers import Timers
from gangline.messages import EngineId, Scheme, TaskId

NO_COMMANDS: Sequence[Command] = ()


class CoreState:
    """Everything that the scheduler knows.

    Attributes:
        prefix: What a task's number is put behind to name it to people: `<prefix>_<number>`.
        tasks: Tasks that have not ended.
        ledger: How the others ended.
        engines: Live engines.
        pools: What hosts offer; those that had room last come first.
        lanes: Where ready tasks wait.
        touched: Lanes that an idle engine may newly take from, looked at before the event is over.
        freed: Pools of idle engines that have got something back, looked at before the event is over.
        dependents: Task → tasks that wait for it.
        idle: Engines with nothing assigned.
        slack: Busy engines that could be sent more.
        loaded: Busy engines with tasks waiting behind the first, which an idle one may be given.
        causes: Tasks that could not run → the task whose end was the first cause.
        aliases: Numbers below 0 → texts that name no task.
        stealing: A timer is set at which idle engines look for tasks that wait behind long ones.
        telling: Ended tasks whose dependents are being told; None outside.
        uses: How many batches have been given out.
        commands: What the current event has brought so far.
    """

    __slots__ = (
        "aliases",
        "causes",
        "commands",
        "dependents",
        "engines",
        "freed",
        "idle",
        "lanes",
        "ledger",
        "limits",
        "loaded",
        "pace",
        "pools",
        "prefix",
        "slack",
        "stealing",
        "tasks",
        "telling",
        "timers",
        "touched",
        "uses",
    )

    def __init__(self, *, scheme: Scheme = Scheme.LEASTLOAD, seed: int = 0, prefix: str = "task") -> None:
        random = Random(seed)
        self.prefix = prefix
        self.causes: dict[TaskId, TaskId] = {}
        self.aliases: dict[TaskId, str] = {}
        self.tasks: dict[TaskId, Task] = {}
        self.ledger = Ledger()
        self.engines: dict[EngineId, Engine] = {}
        self.pools: OrderedDict[str, Pool] = OrderedDict()
        self.limits = Limits()
        self.lanes = Lanes()
        self.touched: dict[int, Lane] = {}
        self.freed: dict[str, Pool] = {}
        self.dependents: dict[TaskId, list[Task]] = {}
        self.idle = Openings(scheme, random)
        self.slack = Openings(scheme, random)
        self.loaded: dict[EngineId, Engine] = {}
        self.pace = Pace()
        self.timers = Timers(self.tasks)
        self.stealing = False
        self.telling: list[TaskId] | None = None
        self.uses = 0
        self.commands: list[Command] = []

    def name(self, task: TaskId) -> str:
        """A task's name for people."""
        return self.aliases.get(task) or f"{self.prefix}_{task}"

    def unknown(self, text: str) -> TaskId:
        """A number for something that a caller took for a task's name and that is none, so that errors can quote it."""
        task = TaskId(-1 - len(self.aliases))
        self.aliases[task] = text
        return task

    def take_commands(self) -> Sequence[Command]:
        """Hand over what the event has brought."""
        if not self.commands:
            return NO_COMMANDS
        commands = self.commands
        self.commands = []
        return commands
