"""The magics ``%px``, ``%%px``, ``%autopx``, ``%pxresult`` and ``%pxconfig``: code typed here runs on engines.

Imported when a view is activated, which needs IPython.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from IPython import get_ipython
from IPython.core import magic_arguments as declarations
from IPython.core.error import UsageError as MagicUsageError
from IPython.core.magic import Magics, no_var_expand

from gangline.views.asyncresult import AsyncResult
from gangline.views.error import AlreadyDisplayedError, CompositeError

if TYPE_CHECKING:
    from gangline.views.direct import DirectView

__all__ = ["ParallelMagics", "activate"]

argument: Any = declarations.argument
magic_arguments: Any = declarations.magic_arguments
parse_argstring: Any = declarations.parse_argstring

_OUTPUT_PATIENCE_S = 1.0

_EXECUTION = (
    argument("-b", "--block", action="store_const", const=True, dest="block", help="wait for the engines"),
    argument("-a", "--noblock", action="store_const", const=False, dest="block", help="do not wait"),
    argument("--stream", action="store_const", const=True, dest="stream", help="show output as it is written"),
    argument("--no-stream", action="store_const", const=False, dest="stream", help="show output at the end"),
    argument("-t", "--targets", type=str, help="engines to run on: a number, several, a slice or all"),
    argument("--verbose", action="store_const", const=True, dest="verbose", help="say what is run where"),
    argument("--no-verbose", action="store_const", const=False, dest="verbose", help="say nothing"),
    argument(
        "--progress-after", type=float, default=None, dest="progress_after",
        help="seconds until a progress bar is shown; 0 at once, -1 never",
    ),
    argument(
        "--signal-on-interrupt", type=str, default=None, dest="signal_on_interrupt",
        help="signal that Ctrl-C sends to the engines: a name, a number, or 0 for none",
    ),
)  # fmt: skip
_OUTPUT = (
    argument(
        "-r", action="store_const", const="order", default="type", dest="groupby",
        help="as --group-outputs=order",
    ),
    argument(
        "-e", action="store_const", const="engine", default="type", dest="groupby",
        help="as --group-outputs=engine",
    ),
    argument(
        "--group-outputs", type=str, choices=["engine", "order", "type"], default="type", dest="groupby",
        help="how outputs are grouped: by type, by engine, or in the order of single outputs",
    ),
    argument("-o", "--out", type=str, dest="save_name", help="keep the result under this name"),
)  # fmt: skip
_LOCAL = argument("--local", action="store_const", const=True, dest="local", help="run the cell here as well")


def _with(*arguments: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A decorator that declares options of a magic."""

    def decorate(function: Any) -> Any:
        for each in reversed(arguments):
            function = each(function)
        return magic_arguments()(function)

    return decorate


class ParallelMagics(Magics):
    """The magics of one view.

    Args:
        shell: IPython's shell.
        view: Where code runs.
        suffix: Put behind the names of the magics.
    """

    magics: Any = None
    shell: Any
    registered = True
    verbose = False
    stream_output = True
    progress_after_seconds = 2.0
    signal_on_interrupt: str | int | None = "SIGINT"
    last_result: AsyncResult | None = None

    def __init__(self, shell: Any, view: DirectView, suffix: str = "") -> None:
        self.view = view
        self.suffix = suffix
        self._autopx = False
        self._cell = ""
        line = {
            f"px{suffix}": self.px,
            f"pxresult{suffix}": self.result,
            f"pxconfig{suffix}": self.pxconfig,
            f"autopx{suffix}": self.autopx,
        }
        if not suffix:
            line["result"] = self.result
        self.magics = {"line": line, "cell": {f"px{suffix}": self.cell_px}}
        super().__init__(shell=shell)

    # The magics --------------------------------------------------------------------------------------------------

    @no_var_expand
    def px(self, line: str = "") -> AsyncResult | None:
        """Run a statement on the engines."""
        return self.parallel_execute(line)

    @_with(*_EXECUTION, *_OUTPUT, _LOCAL)
    def cell_px(self, line: str = "", cell: str = "") -> AsyncResult | None:
        """Run a cell on the engines."""
        options = parse_argstring(self.cell_px, line)
        block = self.view.block if options.block is None else options.block
        flags = {"targets": self._targets(options.targets)} if options.targets else {}
        with self.view.temp_flags(**flags):
            result = self.parallel_execute(
                cell,
                block=block and not options.local,
                groupby=options.groupby,
                save_name=options.save_name,
                stream_output=options.stream,
                progress_after=options.progress_after,
                signal_on_interrupt=_signal(options.signal_on_interrupt),
            )
        if options.local:
            self.shell.run_cell(cell)
            if block and result is not None:
                result.get()
                result.display_outputs(options.groupby)
        return None if block else result

    @_with(*_EXECUTION)
    def pxconfig(self, line: str = "") -> None:
        """Set how the other magics run code from now on."""
        options = parse_argstring(self.pxconfig, line)
        if options.targets:
            self.view.targets = self._targets(options.targets)
        if options.block is not None:
            self.view.block = options.block
        if options.verbose is not None:
            self.verbose = options.verbose
        if options.stream is not None:
            self.stream_output = options.stream
        if options.progress_after is not None:
            self.progress_after_seconds = options.progress_after
        if options.signal_on_interrupt is not None:
            self.signal_on_interrupt = _signal(options.signal_on_interrupt)

    @_with(*_OUTPUT)
    def result(self, line: str = "") -> None:
        """Show the result of the last code that was run without waiting."""
        options = parse_argstring(self.result, line)
        if self.last_result is None:
            raise MagicUsageError("there is no result yet: %px runs something")
        if options.save_name:
            self.shell.user_ns[options.save_name] = self.last_result
            return
        self.last_result.get()
        self.last_result.display_outputs(options.groupby)

    def autopx(self, line: str = "") -> None:
        """Run everything that is typed from now on on the engines, or here again."""
        if self._autopx:
            self._disable_autopx()
        else:
            self._enable_autopx()

    # Running -----------------------------------------------------------------------------------------------------

    def parallel_execute(
        self,
        cell: str,
        block: bool | None = None,
        groupby: str = "type",
        save_name: str | None = None,
        stream_output: bool | None = None,
        progress_after: float | None = None,
        signal_on_interrupt: str | int | None = None,
    ) -> AsyncResult | None:
        """Run code on the engines.

        Args:
            cell: The code.
            block: Whether to wait; None is what the view does.
            groupby: How outputs are grouped.
            save_name: A name to keep the result under.
            stream_output: Whether to show output as it is written; None is what was configured.
            progress_after: Seconds until a progress bar is shown; None is what was configured.
            signal_on_interrupt: What Ctrl-C sends to the engines; None is what was configured.

        Returns:
            The result, unless it was waited for.
        """
        block = self.view.block if block is None else block
        if self.verbose:
            manner = "Parallel" if block else "Async parallel"
            print(f"{manner} execution on engine(s): {self._shown_targets()}")  # noqa: T201  the user asked for it
        result = self.view.execute(cell, silent=False, block=False)
        result._fname = "%px"
        self.last_result = result
        if save_name:
            self.shell.user_ns[save_name] = result
        if not block:
            return result
        stream = self.stream_output if stream_output is None else stream_output
        patience = self.progress_after_seconds if progress_after is None else progress_after
        try:
            self._wait(result, stream=stream, patience=patience)
        except KeyboardInterrupt:
            self._interrupt(self.signal_on_interrupt if signal_on_interrupt is None else signal_on_interrupt)
        finally:
            if not stream and result.ready():
                result.display_outputs(groupby)
        return None

    def _wait(self, result: AsyncResult, *, stream: bool, patience: float) -> None:
        with result.stream_output() if stream else nullcontext():
            if patience < 0:
                result.wait()
            elif not result.wait(patience):
                result.wait_interactive()
            result.wait_for_output(_OUTPUT_PATIENCE_S)
        try:
            result.get()
        except CompositeError as error:
            if stream:
                raise AlreadyDisplayedError(error) from None
            raise

    def _interrupt(self, signum: str | int | None) -> None:
        if signum in (None, 0):
            raise KeyboardInterrupt
        print(f"Interrupted; sending {signum} to the engines", file=sys.stderr)  # noqa: T201  for whoever pressed Ctrl-C
        assert signum is not None
        self.view.client.send_signal(signum, targets=self.view.targets, block=True)

    def _shown_targets(self) -> str:
        targets = self.view.targets
        if isinstance(targets, list) and len(targets) > 10:
            return f"[{', '.join(map(str, targets[:4]))}, ..., {', '.join(map(str, targets[-4:]))}]"
        return str(targets)

    def _targets(self, given: str) -> Any:
        if "all" in given:
            return "all"
        if ":" in given:
            return self.view.client.ids[slice(*(int(part) if part.strip() else None for part in given.split(":")))]
        return ast.literal_eval(given)

    # Everything that is typed ------------------------------------------------------------------------------------

    def _enable_autopx(self) -> None:
        shell = self.shell
        self._run_cell, self._run_nodes = shell.run_cell, shell.run_ast_nodes
        shell.run_cell = self.pxrun_cell
        shell.run_ast_nodes = self.pxrun_nodes
        self._autopx = True
        print("%autopx enabled")  # noqa: T201  the answer to the magic

    def _disable_autopx(self) -> None:
        self.shell.run_cell, self.shell.run_ast_nodes = self._run_cell, self._run_nodes
        self._autopx = False
        print("%autopx disabled")  # noqa: T201  the answer to the magic

    def pxrun_cell(self, raw_cell: str, *args: Any, **kwargs: Any) -> Any:
        """Stands in for the shell's `run_cell`: remembers what was typed."""
        self._cell = raw_cell
        return self._run_cell(raw_cell, *args, **kwargs)

    async def pxrun_nodes(self, *args: Any, **kwargs: Any) -> bool:
        """Stands in for the shell's `run_ast_nodes`: runs what was typed on the engines; gives whether it failed."""
        if re.search(r"^\s*%autopx\b", self._cell):
            self._disable_autopx()
            return False
        try:
            self.parallel_execute(self._cell)
        except Exception:  # the user's own code on the engines, shown as any error at the prompt is
            self.shell.showtraceback()
            return True
        return False


def activate(view: DirectView, suffix: str = "") -> None:
    """Define the magics of a view in the IPython that this program runs in; elsewhere, warn."""
    shell = get_ipython()
    if shell is None:
        warnings.warn("the magics (%px and so on) work in IPython only, and this is not it", stacklevel=3)
        return
    shell.register_magics(ParallelMagics(shell, view, suffix))


def _signal(given: str | None) -> str | int | None:
    return int(given) if given is not None and given.isdigit() else given
