"""Running source code in an engine's namespace.

Plain Python runs by itself. IPython is imported only where its syntax is used, where the code asks for its shell, or
where the value of a last expression is to be shown; without IPython such a value is shown by its `repr`.
"""

from __future__ import annotations

import ast
import importlib.util
import itertools
import linecache
from typing import Any

from gangline._engine import shell
from gangline._engine.context import EngineContext

__all__ = ["Executed", "run"]

_SHELL_NAMES = frozenset({"get_ipython", "display", "In", "Out", "_ih", "_oh", "_dh"})
"""Names that only IPython's shell provides."""

_COROUTINE = 0x80
"""The flag of code that has to be awaited (`inspect.CO_COROUTINE`)."""

_numbers = itertools.count(1)


class Executed:
    """What a run of code leaves.

    Attributes:
        execution_count: The number of the run in the shell's history.
        execute_result: ``data`` (by MIME type) and ``metadata`` of the last expression's value, or None.
        execute_input: The source.
    """

    def __init__(self, execution_count: int, execute_result: dict[str, Any] | None, execute_input: str) -> None:
        self.execution_count = execution_count
        self.execute_result = execute_result
        self.execute_input = execute_input


def run(engine: EngineContext, code: str, *, silent: bool) -> Executed:
    """Run code in the engine's namespace; what it raises is raised.

    Engines that are threads share a process with the user's own shell, which must not be touched: there IPython's
    syntax is only translated to plain Python.

    Args:
        engine: Where.
        code: The source.
        silent: Whether to leave the value of a last expression unseen.

    Raises:
        UsageError: For a magic on an engine that is a thread.
    """
    filename = f"<gangline-input-{next(_numbers)}>"
    try:
        tree = ast.parse(code, filename)
    except SyntaxError as error:
        if _has_shell(engine):
            return Executed(*shell.run(engine, code, silent=silent), code)
        tree = _parse_translated(code, filename, error)
    shown = not silent and bool(tree.body) and isinstance(tree.body[-1], ast.Expr)
    if (shown or _asks_for_shell(tree, engine.namespace)) and _has_shell(engine):
        return Executed(*shell.run(engine, code, silent=silent), code)
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    number = shell.count(engine, silent=silent)
    value = _run_plain(tree, filename, engine.namespace, shown=shown)
    result = None if value is None else {"data": {"text/plain": repr(value)}, "metadata": {}}
    return Executed(number, result, code)


def _has_shell(engine: EngineContext) -> bool:
    return shell.may_have(engine) and importlib.util.find_spec("IPython") is not None


def _parse_translated(code: str, filename: str, error: SyntaxError) -> ast.Module:
    if importlib.util.find_spec("IPython") is None:
        raise error
    return ast.parse(shell.translate(code), filename)


def _run_plain(tree: ast.Module, filename: str, namespace: dict[str, Any], *, shown: bool) -> Any:
    last = None
    if shown:
        final = tree.body.pop()
        assert isinstance(final, ast.Expr)
        last = ast.Expression(final.value)
    _evaluate(tree, filename, namespace)
    return None if last is None else _evaluate(last, filename, namespace)


def _evaluate(tree: ast.Module | ast.Expression, filename: str, namespace: dict[str, Any]) -> Any:
    mode = "exec" if isinstance(tree, ast.Module) else "eval"
    compiled = compile(tree, filename, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    value = eval(compiled, namespace)
    if not compiled.co_flags & _COROUTINE:
        return value
    import asyncio  # only code that awaits pays for it

    return asyncio.run(value)


def _asks_for_shell(tree: ast.Module, namespace: dict[str, Any]) -> bool:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return any(name in _SHELL_NAMES and name not in namespace for name in names)
