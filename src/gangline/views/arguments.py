"""Results of other tasks, and objects of other engines, as arguments of a call.

An `AsyncResult` among the arguments, or in a list, tuple or dict among them, stands for its result: the call waits for
it, as with ``after``. A `Reference` that names an engine stands for that engine's object likewise. Nothing here costs
other calls anything: it is looked at only when a call turns out to be none that can travel as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gangline._engine import assembly
from gangline._runtime.handle import Handle
from gangline._runtime.session import Session
from gangline.backends.dask.kept import Kept
from gangline.backends.kinds import kind_of
from gangline.errors import Unpicklable
from gangline.messages import Dependency, Payload, Terms, replace
from gangline.views.asyncresult import AsyncMapResult, AsyncResult
from gangline.views.control import Control, pinned
from gangline.views.keeping import keep
from gangline.views.reference import Reference, call_resolved
from gangline.views.remotefunction import getname
from gangline.views.tasks import CONVERTERS, outcome

if TYPE_CHECKING:
    from gangline.views.view import View

__all__ = ["HERE", "behind", "submit_late", "submitter"]

HERE = ("threads", "inline")
"""Backends whose engines are in this very process: they are handed the arguments as they are."""

_NESTING = (list, tuple, dict)


def submitter(session: Session) -> Callable[..., Handle]:
    """How to submit calls of a session; where one raises `Unpicklable`, `submit_late` may know what to do."""
    submit = session.submit
    if session.backend.name not in HERE:
        return submit

    def submit_here(
        f: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], terms: Terms, *, name: str | None = None
    ) -> Handle:
        for _ in _stand_ins(args, kwargs):
            raise Unpicklable(f"the call of {getname(f)} waits for results of other tasks")
        if any(isinstance(each, Reference) for each in (f, *args, *kwargs.values())):
            return submit(call_resolved, (f, args, dict(kwargs)), {}, terms, name=name or getname(f))
        return submit(f, args, kwargs, terms, name=name)

    return submit_here


def submit_late(
    view: View, f: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], terms: Terms, name: str | None = None
) -> Handle:
    """Submit a call that cannot travel as it is, if that is because it waits for results. Called in an ``except``.

    Raises:
        Unpicklable: That was not the reason; or what else is among the arguments cannot travel.
        UnknownEngine: A reference names an engine that does not live.
    """
    found: dict[int, Any] = {id(each): each for each in _stand_ins(args, kwargs)}
    if not found:
        raise
    client = view.client
    results: list[AsyncResult] = []
    values: dict[int, Any] = {}
    gaps: dict[int, Any] = {}
    for key, each in found.items():
        if isinstance(each, Reference):
            if terms.pinned and each.engine in (terms.targets or ()):
                values[key] = gaps[key] = Reference(each.name)
                continue
            each = _pulled(client, each)
        elif isinstance(each, AsyncMapResult) or any(handle.session is not client._session for handle in each._handles):
            values[key] = gaps[key] = each.get()
            continue
        gaps[key] = assembly.Gap(len(results))
        results.append(each)
        if all(handle.status == "ok" and type(handle.value) is not assembly.Missing for handle in each._handles):
            values[key] = _value(each)
    handles = [handle for each in results for handle in each._handles]
    terms = _after(client._session, terms, Dependency(frozenset(handle.id for handle in handles)))
    if len(values) == len(found):
        handle: Handle = view._submit(f, *_filled(values, args, kwargs), terms, name=name)
        handle.add_listener(_let_go)
        return handle
    keep(handles)
    make = _maker(client._session, f, *_filled(gaps, args, kwargs))
    handle = client._session.submit_prepared(_Late(make, results, kind_of(f)), name or getname(f), terms)
    handle.add_listener(_let_go)
    if terms.pinned:
        _note_late(client, handle)
    return handle


def _let_go(ended: Handle) -> None:
    """What a call needed is needed no more, however long the call is remembered."""
    lease: Any = getattr(ended.payload, "lease", None)
    if hasattr(lease, "let_go"):
        lease.let_go()


def _note_late(client: Control, handle: Handle) -> None:
    """Until it has ended, calls on its engine are to stay behind it."""
    late = client._late
    engines: Iterable[int] = handle.terms.targets or ()
    late.update(dict.fromkeys(engines, handle))

    def forget(_ended: Handle) -> None:
        for engine in engines:
            if late.get(engine) is handle:
                del late[engine]

    handle.add_listener(forget)


def behind(client: Control, terms: Terms) -> Terms:
    """The terms of a call on one engine, so that it keeps its place behind one there that waits for results."""
    late = client._late
    for engine in terms.targets or ():
        last = late.get(engine)
        if last is not None:
            terms = _after(client._session, terms, Dependency(frozenset({last.id}), success=True, failure=True))
    return terms


class _Late:
    """The payload of a call that waits for results. It becomes a real one when it is sent: then they are there."""

    __slots__ = ("_made", "_make", "_results", "kind")

    def __init__(self, make: Callable[[list[AsyncResult]], Payload], results: list[AsyncResult], kind: int) -> None:
        self._make: Callable[[list[AsyncResult]], Payload] | None = make
        self._results = results
        self._made: Payload | None = None
        self.kind = kind

    @property
    def lease(self) -> Any:
        """As a real one's, if it is made."""
        return getattr(self._made, "lease", None)

    @property
    def size_bytes(self) -> int:
        """As any payload's; nothing as long as it waits."""
        waits = any(handle.status != "ok" for each in self._results for handle in each._handles)
        return 0 if waits else self._real().size_bytes

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._real(), attribute)

    def _real(self) -> Payload:
        if self._made is None:
            assert self._make is not None
            self._made = self._make(self._results)
            self._make, self._results = None, []
        return self._made


def _maker(
    session: Session, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[list[AsyncResult]], Payload]:
    """What makes the payload, given the results. What is known now is as it is now."""
    prepare = session.backend.prepare
    if session.backend.name in HERE:

        def make_here(results: list[AsyncResult]) -> Payload:
            try:
                values = {id(gap): _value(results[gap.index]) for gap in _gaps(args, kwargs)}
            except Exception as error:
                return prepare(assembly.fail, (error,), {})
            return prepare(call_resolved, (f, *_filled(values, args, kwargs)), {})

        return make_here
    try:
        frozen = assembly.freeze(f, args, kwargs)
    except Exception:
        prepare(f, args, kwargs)  # which says what it was
        raise

    def make(results: list[AsyncResult]) -> Payload:
        try:
            return prepare(assembly.assembled, (frozen, [_value(each) for each in results]), {})
        except Exception as error:  # code of a result's class
            return prepare(assembly.fail, (error,), {})

    return make


def _value(result: AsyncResult) -> Any:
    """The value of what has succeeded; what is kept elsewhere stands for itself.

    Raises:
        Exception: why an object that was looked up is not there.
    """
    values = []
    for handle in result._handles:
        if type(handle.value) is assembly.Missing:
            raise handle.value.error
        values.append(handle.value if type(handle.value) is Kept else outcome(handle, "apply")[1])
    return values[0] if result._single_result else values


def _pulled(client: Control, reference: Reference) -> AsyncResult:
    """The object that a reference names on its engine, as it is when all calls before this one are through there."""
    (engine,) = client._build_targets([reference.engine])
    call = (reference.name, client._restart_note(engine))
    session = client._session
    payload = session.backend.prepare(assembly.look_up, call, {})
    announce = getattr(session.backend, "keep", None)
    handle = session.submit_prepared(payload, "pull", behind(client, pinned(engine)), announce)
    keep((handle,))
    return AsyncResult(client, (handle,), "pull", engine, single=True)


def _after(session: Session, terms: Terms, rule: Dependency) -> Terms:
    """The terms, and one more dependency in time. Two of different kinds are made one by a task that does nothing."""
    if not rule.ids:
        return terms
    given = terms.after
    if given is None:
        return replace(terms, after=rule)
    if given.all and (given.success, given.failure) == (rule.success, rule.failure):
        return replace(terms, after=replace(rule, ids=given.ids | rule.ids))
    gate = session.submit(assembly.nothing, (), {}, replace(terms, follow=None, retries=0), name="gate")
    return replace(terms, after=replace(rule, ids=rule.ids | {gate.id}))


def _stand_ins(args: Iterable[Any], kwargs: Mapping[str, Any]) -> Iterator[Any]:
    return (each for each in _items(args, kwargs) if _stands_in(each))


def _gaps(args: Iterable[Any], kwargs: Mapping[str, Any]) -> Iterator[assembly.Gap]:
    return (each for each in _items(args, kwargs) if isinstance(each, assembly.Gap))


def _items(args: Iterable[Any], kwargs: Mapping[str, Any]) -> Iterator[Any]:
    """The arguments, and what is in lists, tuples and dicts among them."""
    for each in (*args, *kwargs.values()):
        if type(each) in _NESTING:
            yield from each.values() if type(each) is dict else each
        else:
            yield each


def _stands_in(value: Any) -> bool:
    return isinstance(value, AsyncResult) or (isinstance(value, Reference) and value.engine is not None)


def _filled(
    values: Mapping[int, Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with values in place of these objects."""

    def fill(each: Any) -> Any:
        if type(each) is dict:
            return {name: values.get(id(item), item) for name, item in each.items()}
        if type(each) in _NESTING:
            return type(each)([values.get(id(item), item) for item in each])
        return values.get(id(each), each)

    return tuple(map(fill, args)), {name: fill(value) for name, value in kwargs.items()}


CONVERTERS[Kept] = lambda handle: handle.value.get(handle.session.wait_for)
