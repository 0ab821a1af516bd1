"""The part of a recipe that runs on a host.

    import sys
    from gangline.recipes import NodeScript

    class measure(NodeScript):
        def run(self, name):
            self.logger.info("measuring %s", name)
            self.outputs["sources"] = 12
            return 0

    if __name__ == "__main__":
        sys.exit(measure(sys.argv[1], sys.argv[2]).run_with_logging(*sys.argv[3:]))

It can be run by hand as well, with any two words for the address: `python measure.py - - image.fits`.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys

from gangline.recipes.exit_status import Judgement, of_exception, of_exit, of_value
from gangline.recipes.outputs import BadOutputs, as_json
from gangline.recipes.records import node_name
from gangline.recipes.sending import ForwardingHandler, LogChannel

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would take a fifth of the time that is left to a node script's start
    from types import TracebackType
    from typing import Any

__all__ = ["LOFARnode", "LOFARnodeTCP", "NodeScript"]

_BY_HAND_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class NodeScript:
    """What runs on a host: derive from it and define `run`.

    Args:
        loghost: The address of the log receiver: the script's first argument.
        logport: Its port: the second.

    Attributes:
        logger: What is logged here, or by any other logger of the process, is logged at the recipe as well, by loggers
            that are called `node.HOST.Class` and `node.HOST.` and the logger's name.
        outputs: What the recipe is to get back: texts for keys, values that JSON can express.
        host: This host, by the name that the recipe has for it.
        environment: A copy of the environment, to change and give to commands.
    """

    def __init__(self, loghost: str = "", logport: str | int = "") -> None:
        self.loghost = loghost
        self.logport = logport
        self.host = os.environ.get("GANGLINE_HOST", os.uname().nodename)
        self.logger = logging.getLogger(f"{node_name(self.host)}.{type(self).__name__}")
        self.outputs: dict[str, Any] = {}
        self.environment = dict(os.environ)

    def run(self, *args: str) -> Any:
        """What is to be done.

        Args:
            args: The arguments of the job, all of them text.

        Returns:
            The exit status: 0 or None for success, another number up to 255 for failure. Anything else is a failure.
        """
        raise NotImplementedError(f"{type(self).__name__} must define run")

    def run_with_logging(self, *args: str) -> int:
        """Do it, with all that is logged meanwhile sent to the recipe.

        Args:
            args: For `run`.

        Returns:
            The exit status; all that was logged has arrived.

        Raises:
            KeyboardInterrupt: Ctrl-C; all that was logged has arrived.
        """
        token = os.environ.get("GANGLINE_LOG_TOKEN", "")
        level = _level(os.environ.get("GANGLINE_LOG_LEVEL", ""))
        with _Connected(self, token, level) if token else _ByHand(self, level) as connection:
            judgement = self._judged(args)
            return connection.conclude(judgement)

    def _judged(self, args: tuple[str, ...]) -> Judgement:
        try:
            judgement = of_value(self.run(*args))
        except SystemExit as exc:
            judgement = of_exit(exc.code)
        except KeyboardInterrupt:
            self._complain("run was interrupted")
            raise
        except BaseException as exc:  # the user's code may raise anything
            judgement = of_exception(exc)
            within = exc.__traceback__.tb_next if exc.__traceback__ else None  # without this frame
            self._complain(judgement.message, (type(exc), exc, within or exc.__traceback__))
            return judgement
        if judgement.message:
            self._complain(judgement.message)
        return judgement

    def _complain(self, message: str, exc_info: Any = None) -> None:
        self.logger.disabled = False  # as configuring `logging` within run leaves it
        self.logger.error("%s", message, exc_info=exc_info)


class _Connected:
    """The process's loggers and warnings go to the recipe.

    The handler is at the root and at the script's own logger, which so reaches the recipe also where the script
    configures `logging` anew; it sends each record once.
    """

    def __init__(self, node: NodeScript, token: str, level: int) -> None:
        self._node = node
        self._level = level
        self._pid = os.getpid()
        self._channel = LogChannel(str(node.loghost), str(node.logport), token)
        self._handler = ForwardingHandler(self._channel, level)
        self._root_level = logging.root.level
        self._began_with = self._channel.trouble

    def __enter__(self) -> _Connected:
        node, root = self._node, logging.root
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(line_buffering=True)  # so that what is printed is seen while the script runs
        if not faulthandler.is_enabled():
            faulthandler.enable(2)  # a crash says where it was
        self._handler.send({"begin": {"pid": self._pid}})
        root.addHandler(self._handler)
        node.logger.addHandler(self._handler)
        if root.level > self._level:
            root.setLevel(self._level)
        logging.captureWarnings(True)
        if self._began_with:
            node.logger.warning(
                "the log receiver at %s port %s cannot be reached (%s); records come by way of standard error",
                node.loghost, node.logport, self._began_with,
            )  # fmt: skip
        return self

    def conclude(self, judgement: Judgement) -> int:
        """Hand back the outputs and the verdict; the exit status."""
        if os.getpid() != self._pid:  # a child that came back from run speaks for itself only
            return judgement.status
        try:
            outputs = as_json(self._node.outputs)
        except BadOutputs as exc:
            outputs = {}
            self._node._complain(str(exc))
            if judgement.status == 0:
                judgement = Judgement(1, "bad_outputs", str(exc))
        self._handler.send({"outputs": outputs})
        self._handler.send({"verdict": {"kind": judgement.kind, "message": judgement.message}})
        return judgement.status

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        root, node = logging.root, self._node
        self._channel.close()
        if self._channel.trouble != self._began_with:
            node._complain(f"the log receiver went away ({self._channel.trouble}): records may be missing")
        root.removeHandler(self._handler)
        node.logger.removeHandler(self._handler)
        root.setLevel(self._root_level)
        logging.captureWarnings(False)


class _ByHand:
    """There is no recipe: what is logged is printed."""

    def __init__(self, node: NodeScript, level: int) -> None:
        self._node = node
        self._level = level

    def __enter__(self) -> _ByHand:
        logging.basicConfig(level=self._level, format=_BY_HAND_FORMAT)  # nothing, if the user has done it
        self._node.logger.warning("not started by a recipe: what is logged is printed here")
        return self

    def conclude(self, judgement: Judgement) -> int:
        """Show the outputs; the exit status."""
        try:
            outputs = as_json(self._node.outputs)
        except BadOutputs as exc:
            self._node._complain(str(exc))
            return judgement.status or 1
        if outputs:
            self._node.logger.info("outputs: %r", outputs)
        return judgement.status

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass


def _level(text: str) -> int:
    """The level that an environment variable names, by number or by name."""
    if text.isdecimal():
        return int(text)
    level = logging.getLevelName(text.upper())
    return level if isinstance(level, int) else logging.INFO


LOFARnode = NodeScript


class LOFARnodeTCP(NodeScript):
    """As `NodeScript`, for scripts that are made with a job's number before the address of the log receiver.

    Args:
        job_id: The job's number.
        loghost: The address of the log receiver.
        logport: Its port.
    """

    def __init__(self, job_id: str | int = "", loghost: str = "", logport: str | int = "") -> None:
        super().__init__(loghost, logport)
        self.job_id = job_id

    def run_with_stored_arguments(self) -> int:
        """The same as `run_with_logging` with what follows the first three arguments of the script."""
        return self.run_with_logging(*sys.argv[4:])
