"""The view whose user says on which engines something happens, and sees their namespaces."""

from __future__ import annotations

import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from gangline._engine import actions
from gangline._runtime.handle import Handle
from gangline.errors import Unpicklable, UsageError
from gangline.messages import Terms
from gangline.views.arguments import behind, submit_late
from gangline.views.asyncresult import AsyncMapResult, AsyncResult
from gangline.views.control import Control, pinned
from gangline.views.execution import ExecuteReply
from gangline.views.importing import SyncImports
from gangline.views.mapping import pinned_map
from gangline.views.partition import dealer
from gangline.views.remotefunction import ParallelFunction
from gangline.views.view import View, block_or, callable_of

__all__ = ["DirectView", "ExecuteReply"]

Calls = list[tuple[tuple[Any, ...], dict[str, Any]]]
"""Arguments for each engine."""


class DirectView(View):
    """Some engines that the user chose: ``rc[0]``, ``rc[:]``, ``rc[::2]``. Their names are read and set like a dict's.

    With a single number as `targets`, results are single too; otherwise they are lists, one item for each engine.
    ``"all"`` means the engines that live at each call.

    Args:
        client: Whose engines.
        socket: Kept for programs that pass it.
        targets: Which engines.
        flags: As in `set_flags`.
    """

    def __init__(self, client: Control, socket: Any = None, targets: Any = "all", **flags: Any) -> None:
        super().__init__(client, socket, targets=targets, **flags)

    def _check_flags(self, flags: Mapping[str, Any]) -> dict[str, Any]:
        checked = super()._check_flags(flags)
        if "targets" in checked:
            checked["targets"] = self._checked_targets(checked["targets"])
        return checked

    def _checked_targets(self, targets: Any) -> Any:
        if targets is None or (isinstance(targets, str) and targets.lower() == "all"):
            return "all"
        engines = self.client._build_targets(targets)
        return engines[0] if hasattr(targets, "__index__") else engines

    def _engines(self, targets: Any = None) -> list[int]:
        """The engines of one call."""
        return self.client._build_targets(self.targets if targets is None else targets)

    def _is_single(self, targets: Any) -> bool:
        return hasattr(self.targets if targets is None else targets, "__index__")

    def _pins(self, engines: Iterable[int], label: str | None = None) -> list[Terms]:
        label = self.label if label is None else label
        pins = [pinned(engine, label or "") for engine in engines]
        return [behind(self.client, terms) for terms in pins] if self.client._late else pins

    # Calls -------------------------------------------------------------------------------------------------------

    def _apply(self, f: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AsyncResult:
        return self._send(f, args, kwargs)

    def _really_apply(
        self,
        f: Callable[..., Any],
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        targets: Any = None,
        block: bool | None = None,
        track: bool | None = None,
        label: str | None = None,
    ) -> Any:
        """`apply` with every flag as an argument."""
        result = self._send(f, tuple(args or ()), kwargs or {}, targets, label=label)
        return result.get() if block_or(self, block) else result

    def _send(
        self,
        f: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        targets: Any = None,
        *,
        name: str | None = None,
        label: str | None = None,
    ) -> AsyncResult:
        if not callable(f):
            f, args = callable_of(f, args)
        engines = self._engines(targets)
        handles = [self._submit_one(f, args, kwargs, terms, name) for terms in self._pins(engines, label)]
        return self._result(handles, engines, single=self._is_single(targets))

    def _send_each(
        self,
        f: Callable[..., Any],
        calls: Calls,
        engines: list[int],
        **names: Any,
    ) -> list[Handle]:
        """A call of its own for each engine."""
        pins = self._pins(engines, names.get("label"))
        name = names.get("name")
        handles = [
            self._submit_one(f, args, kwargs, terms, name) for (args, kwargs), terms in zip(calls, pins, strict=True)
        ]
        self._note(handles)
        return handles

    def _submit_one(
        self, f: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], terms: Terms, name: str | None
    ) -> Handle:
        try:
            return self._submit(f, args, kwargs, terms, name=name)
        except Unpicklable:
            return submit_late(self, f, args, kwargs, terms, name)

    def _result(self, handles: list[Handle], engines: list[int], *, single: bool) -> AsyncResult:
        self._note(handles)
        return AsyncResult(self.client, tuple(handles), handles[0].name, engines, owner=True, single=single)

    def map(
        self,
        f: Callable[..., Any],
        *sequences: Iterable[Any],
        block: bool | None = None,
        track: bool = False,
        return_exceptions: bool = False,
        label: str | None = None,
    ) -> Any:
        """As the builtin `map`, the items dealt out to the engines in equal contiguous parts.

        Args:
            f: The function.
            sequences: Its arguments; the shortest one decides how many calls there are.
            block: Whether to wait; None is what the view does.
            track: Kept for programs that say it.
            return_exceptions: Whether to give the error of an item in place of its result, rather than raise it.
            label: For people; None is the view's.

        Returns:
            The list of results, if it waits; else an `AsyncMapResult`.

        Raises:
            UsageError: No sequence.
        """
        if not sequences:
            raise UsageError("map needs at least one sequence")
        pins = self._pins(self._engines(), label)
        result = pinned_map(self.client, f, sequences, pins, return_exceptions=return_exceptions, on_submit=self._note)
        return result.get() if block_or(self, block) else result

    def imap(self, f: Callable[..., Any], *sequences: Iterable[Any], **options: Any) -> Iterator[Any]:
        """An iterator over the results of `map`, as they come."""
        return iter(self.map_async(f, *sequences, **options))

    def _apply_parts(self, function: ParallelFunction, sequences: list[Any], length: int) -> AsyncMapResult:
        split = function.mapObject.getPartition
        engines = self._engines()[:length]
        calls: Calls = [
            (tuple(split(sequence, part, len(engines), length) for sequence in sequences), {})
            for part in range(len(engines))
        ]
        handles = self._send_each(function.func, calls, engines)
        return AsyncMapResult(
            self.client,
            handles,
            function.mapObject.joinPartitions,
            fname=function.__name__,
            ordered=function.ordered,
            return_exceptions=function.return_exceptions,
            contiguous=function.mapObject.contiguous,
        )

    # Code --------------------------------------------------------------------------------------------------------

    def execute(
        self,
        code: str,
        silent: bool = True,
        targets: Any = None,
        block: bool | None = None,
        label: str | None = None,
    ) -> AsyncResult:
        """Run code in the engines' namespaces.

        Args:
            code: Python; IPython's syntax and magics too, where the engine has IPython.
            silent: Whether to leave the value of a last expression unseen.
            targets: Engines; None is the view's.
            block: Whether to wait; None is what the view does.
            label: For people; None is the view's.

        Returns:
            The result, of `ExecuteReply`; when it waits, errors are raised here.

        Raises:
            TypeError: The code is not text.
        """
        if not isinstance(code, str):
            raise TypeError(f"code is text, not {code!r}")
        engines = self._engines(targets)
        calls: Calls = [((code, silent, self.client._restart_note(engine)), {}) for engine in engines]
        handles = self._send_each(actions.execute, calls, engines, name="execute", label=label)
        result = AsyncResult(
            self.client, tuple(handles), "execute", engines, owner=True, single=self._is_single(targets)
        )
        if block_or(self, block):
            result.get()
        return result

    def run(
        self, filename: str, targets: Any = None, block: bool | None = None, label: str | None = None
    ) -> AsyncResult:
        """Run a local file's code in the engines' namespaces.

        Args:
            filename: The file, read here.
            targets: Engines; None is the view's.
            block: Whether to wait; None is what the view does.
            label: For people; None is the view's.

        Raises:
            OSError: It cannot be read.
        """
        with tokenize.open(filename) as file:
            code = file.read()
        return self.execute(f"{code}\n", targets=targets, block=block, label=label)

    @property
    def importer(self) -> SyncImports:
        """``with view.importer: import numpy`` imports here and on the engines."""
        return self.sync_imports()

    def sync_imports(self, local: bool = True, quiet: bool = False) -> SyncImports:
        """A context in which imports happen here and on the engines. The "as y" of ``import x as y`` is not sent.

        Args:
            local: Whether to import here; there is no other way yet.
            quiet: Whether to say nothing.

        Raises:
            NotImplementedError: With ``local=False``.
        """
        if not local:
            raise NotImplementedError("imports on the engines alone: view.execute('import numpy')")
        return SyncImports(lambda name, fromlist: self._send(actions.import_names, (name, fromlist), {}), quiet=quiet)

    # Data --------------------------------------------------------------------------------------------------------

    def push(
        self, ns: dict[str, Any], targets: Any = None, block: bool | None = None, track: bool | None = None
    ) -> Any:
        """Set names on the engines.

        Args:
            ns: Names and values.
            targets: Engines; None is the view's.
            block: Whether to wait; None is what the view does.
            track: Kept for programs that say it.

        Raises:
            TypeError: Not a dict of names.
            Unpicklable: A value cannot travel.
        """
        if not isinstance(ns, dict) or not all(isinstance(name, str) for name in ns):
            raise TypeError(f"names and values are given as a dict with names as text, not {type(ns).__name__}")
        result = self._send(actions.push, (), ns, targets)
        return result.get() if block_or(self, block) else result

    def update(self, ns: dict[str, Any]) -> Any:
        """Set names on the engines; as `push`."""
        return self.push(ns)

    def pull(self, names: str | Iterable[str], targets: Any = None, block: bool | None = None) -> Any:
        """Get what names, or expressions of names, mean on the engines.

        Args:
            names: One, or several; for several each engine gives a list.
            targets: Engines; None is the view's.
            block: Whether to wait; None is what the view does.

        Raises:
            TypeError: Not names.
        """
        if not isinstance(names, str):
            if not isinstance(names, list | tuple | set) or not all(isinstance(name, str) for name in names):
                raise TypeError(f"names are given as text, or several of them, not {names!r}")
            names = list(names)
        engines = self._engines(targets)
        calls: Calls = [((names, self.client._restart_note(engine)), {}) for engine in engines]
        handles = self._send_each(actions.pull, calls, engines)
        result = AsyncResult(self.client, tuple(handles), "pull", engines, owner=True, single=self._is_single(targets))
        return result.get() if block_or(self, block) else result

    def get(self, key_s: str | Iterable[str]) -> Any:
        """Get what names mean on the engines; as `pull`, waiting."""
        return self.pull(key_s, block=True)

    def __getitem__(self, key: str | Iterable[str]) -> Any:
        return self.get(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def scatter(
        self,
        key: str,
        seq: Any,
        dist: str = "b",
        flatten: bool = False,
        targets: Any = None,
        block: bool | None = None,
        track: bool | None = None,
    ) -> AsyncResult | None:
        """Deal a sequence out: each engine gets its part under the same name.

        Args:
            key: The name.
            seq: The sequence; parts of an array are arrays.
            dist: ``b`` in blocks, ``r`` round robin.
            flatten: Whether a part of one item becomes the item itself.
            targets: Engines; None is the view's.
            block: Whether to wait; None is what the view does.
            track: Kept for programs that say it.

        Returns:
            The result to wait on, unless it was waited for.

        Raises:
            UsageError: An unknown `dist`.
        """
        engines = self._engines(targets)
        split = dealer(dist).getPartition
        parts = [split(seq, part, len(engines)) for part in range(len(engines))]
        calls: Calls = [((), {key: part[0] if flatten and len(part) == 1 else part}) for part in parts]
        handles = self._send_each(actions.push, calls, engines)
        result = AsyncResult(self.client, tuple(handles), "scatter", engines, owner=True, single=False)
        if not block_or(self, block):
            return result
        result.get()
        return None

    def gather(self, key: str, dist: str = "b", targets: Any = None, block: bool | None = None) -> Any:
        """Put together what `scatter` dealt out.

        Args:
            key: The name.
            dist: As in `scatter`.
            targets: Engines; None is the view's.
            block: Whether to wait; None is what the view does.

        Returns:
            The whole: an array if the parts are arrays, else a list; or an `AsyncMapResult`, unless it waits.

        Raises:
            UsageError: An unknown `dist`.
        """
        engines = self._engines(targets)
        deal = dealer(dist)
        calls: Calls = [((key, self.client._restart_note(engine)), {}) for engine in engines]
        handles = self._send_each(actions.pull, calls, engines)
        result = AsyncMapResult(self.client, handles, deal.joinPartitions, fname="gather", contiguous=deal.contiguous)
        return result.get() if block_or(self, block) else result

    def clear(self, targets: Any = None, block: bool | None = None) -> AsyncResult | None:
        """Empty the engines' namespaces. As `Client.clear`."""
        return self.client.clear(self._engines(targets), block_or(self, block))

    # Serialization -----------------------------------------------------------------------------------------------

    def use_dill(self) -> Any:
        """Make sure that dill is there, here and on the engines.

        Functions, closures and classes travel by value without it.

        Raises:
            ImportError: It is not installed.
        """
        return self._use("dill")

    def use_cloudpickle(self) -> Any:
        """Make sure that cloudpickle is there, here and on the engines. It is what functions travel by in any case."""
        return self._use("cloudpickle")

    def use_pickle(self) -> Any:
        """Nothing: what pickle can carry is carried by pickle in any case."""
        return self._use("pickle")

    def _use(self, module: str) -> Any:
        actions.need_module(module)
        return self.apply(actions.need_module, module)

    # IPython -----------------------------------------------------------------------------------------------------

    def activate(self, suffix: str = "") -> None:
        """Define the magics ``%px``, ``%%px``, ``%autopx``, ``%pxresult`` and ``%pxconfig`` for this view.

        Args:
            suffix: Put behind the names of the magics, so that several views can have theirs.
        """
        from gangline.views import magics

        magics.activate(self, suffix)
