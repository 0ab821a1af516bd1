"""What can be learned from one source file: its size, its functions and how branched they are, what it imports.

The complexity of a function is the number of ways through it as McCabe counts them (T. J. McCabe, "A Complexity
Measure", IEEE Transactions on Software Engineering SE-2, 1976): one, and one more for each place where the way forks.
"""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_FORKS = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.alias)

# catch_warnings swaps the filters of the whole process, and tasks may share it. Parsing holds the GIL anyway.
_PARSING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one source file holds.

    Attributes:
        module: Its dotted name.
        package: The top-level package that it counts for.
        lines: Lines of text, blank ones included.
        functions: Functions and methods, nested ones included.
        classes: Classes, nested ones included.
        complexity: The sum over all functions.
        worst: The most complex function by its name in the module, e.g. ``Parser.parse``; "" if there is none.
        worst_complexity: That function's complexity.
        imports: Top-level names of the modules that it imports, without its own.
        error: Why it could not be read, in words; "" if it could.
    """

    module: str
    package: str
    lines: int = 0
    functions: int = 0
    classes: int = 0
    complexity: int = 0
    worst: str = ""
    worst_complexity: int = 0
    imports: tuple[str, ...] = ()
    error: str = ""


def as_measurement(fields: Mapping[str, Any]) -> Measurement:
    """A measurement from its fields, as JSON hands them back."""
    return Measurement(**{**fields, "imports": tuple(fields["imports"])})


def measure(module: str, package: str, source: bytes) -> Measurement:
    """Measure one source file.

    Args:
        module: Its dotted name.
        package: The top-level package that it counts for.
        source: Its text as it stands on disk.

    Returns:
        The measurement. A file that is not valid Python has its lines counted and `error` set.
    """
    lines = len(source.splitlines())
    try:
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        return Measurement(module, package, lines, error=_describe(exc))
    found = _Findings()
    found.visit(tree)
    worst, worst_complexity = max(found.complexity.items(), key=lambda item: item[1], default=("", 0))
    return Measurement(
        module,
        package,
        lines,
        functions=len(found.complexity),
        classes=found.classes,
        complexity=sum(found.complexity.values()),
        worst=worst,
        worst_complexity=worst_complexity,
        imports=tuple(sorted(found.imports - {module.partition(".")[0]})),
    )


class _Findings:
    """Everything that one walk over a syntax tree collects."""

    def __init__(self) -> None:
        self.classes = 0
        self.complexity: dict[str, int] = {}
        self.imports: set[str] = set()

    def visit(self, tree: ast.AST) -> None:
        """Walk over the tree without recursion: real sources nest deeper than the stack is high."""
        # What is still to be looked at: a node, the function it belongs to ("" is none), the names around it.
        waiting: list[tuple[ast.AST, str, str]] = [(tree, "", "")]
        while waiting:
            node, function, scope = waiting.pop()
            if isinstance(node, _FUNCTIONS):
                scope = function = self._enter_function(f"{scope}.{node.name}".lstrip("."))
            elif isinstance(node, ast.ClassDef):
                self.classes += 1
                scope = f"{scope}.{node.name}".lstrip(".")
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self.imports.update(_imported_names(node))
            elif function:
                self.complexity[function] += _forks(node)
            children = ast.iter_child_nodes(node)
            waiting.extend((child, function, scope) for child in children if not isinstance(child, _LEAVES))

    def _enter_function(self, name: str) -> str:
        """Begin a function; one that is defined again (a property's setter, an else branch) counts apart."""
        unique, count = name, 1
        while unique in self.complexity:
            count += 1
            unique = f"{name} ({count})"
        self.complexity[unique] = 1
        return unique


def _forks(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return isinstance(node, _FORKS)


def _imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif node.module and not node.level:
        yield node.module.partition(".")[0]


def _describe(exc: Exception) -> str:
    if isinstance(exc, SyntaxError) and exc.lineno:
        return f"{type(exc).__name__}: {exc.msg} (line {exc.lineno})"
    return f"{type(exc).__name__}: {exc}"
