import pickle

import pytest

from gangline.errors import EngineError, GanglineError, ImpossibleDependency
from gangline.messages import Failure
from gangline.views import error
from gangline.views.error import CompositeError, RemoteError, composite_of, remote_error

INFO = {"engine_id": 3, "engine_uuid": "u", "host": "h", "method": "apply"}


class WithState(Exception):
    def __init__(self, code, *, place):
        super().__init__(f"code {code}")
        self.code = code
        self.place = place


class Locked(Exception):
    @property
    def earlier(self):
        return None

    def __init_subclass__(cls, **kwargs):
        raise TypeError("not to be derived from")


def failure(original):
    return Failure(original, type(original).__name__, str(original), f"Traceback ...\n{type(original).__name__}")


def remote(original):
    return remote_error(failure(original), INFO)


@pytest.mark.parametrize(
    "original",
    [
        ZeroDivisionError("division by zero"),
        KeyError("k"),
        FileNotFoundError(2, "no such", "/x"),
        UnicodeDecodeError("utf8", b"x", 0, 1, "bad"),
        SyntaxError("bad", ("f.py", 1, 2, "x = = 1", 1, 3)),
        ImportError("no", name="m", path="p"),
        ExceptionGroup("g", [ValueError(1)]),
        WithState(7, place="here"),
        ImpossibleDependency("never"),
        EngineError("died", engine_id=1, host="h", reason="SIGKILL"),
        TimeoutError("slow"),
    ],
    ids=lambda original: type(original).__name__,
)
def test_a_remote_failure_is_a_remote_error_and_of_its_own_type_and_stays_so_when_pickled(original):
    made = remote(original)
    for each in (made, pickle.loads(pickle.dumps(made))):
        assert isinstance(each, RemoteError)
        assert isinstance(each, type(original))
        assert isinstance(each, GanglineError)
        assert repr(each.args) == repr(original.args)
        assert {key: value for key, value in vars(each).items() if key in vars(original)} == vars(original)
        assert (each.ename, each.evalue) == (type(original).__name__, str(original))
        assert each.engine_info["engine_id"] == 3
        assert str(each) == f"[3:apply] {each.ename}: {original}"
        assert each.render_traceback() == ["[3:apply]", "Traceback ...", each.ename]
    assert type(remote(original)) is type(made)


def test_the_state_of_builtin_exceptions_arrives():
    assert remote(FileNotFoundError(2, "no such", "/x")).filename == "/x"
    assert remote(UnicodeDecodeError("utf8", b"x", 0, 1, "bad")).reason == "bad"
    assert remote(SyntaxError("bad", ("f.py", 1, 2, "x = = 1", 1, 3))).filename == "f.py"
    assert remote(ImportError("no", name="m")).name == "m"
    assert len(remote(ExceptionGroup("g", [ValueError(1)])).exceptions) == 1


@pytest.mark.parametrize("original", [SystemExit(3), KeyboardInterrupt(), StopIteration(4), Locked("x")], ids=repr)
def test_what_would_mean_something_here_or_cannot_be_derived_from_is_a_plain_remote_error(original):
    made = remote(original)
    assert type(made) is RemoteError
    assert made.__cause__ is original
    assert made.ename == type(original).__name__


def test_the_remote_traceback_is_shown_with_the_exception():
    assert "On the engine:" in remote(ValueError("x")).__notes__[-1]


def test_a_remote_error_from_a_remote_error_keeps_its_class():
    first = remote(KeyError("k"))
    assert type(remote(first)) is type(first)


def test_errors_of_one_kind_make_a_composite_of_that_kind():
    made = composite_of([remote(KeyError("a")), remote(KeyError("b"))], "f")
    assert isinstance(made, CompositeError)
    assert isinstance(made, KeyError)
    assert not isinstance(made, ExceptionGroup)
    assert [entry[:2] for entry in made.elist] == [("KeyError", "'a'"), ("KeyError", "'b'")]
    assert str(made).splitlines() == [
        "one or more exceptions raised in: f",
        "[3:apply]KeyError: 'a'",
        "[3:apply]KeyError: 'b'",
    ]
    again = pickle.loads(pickle.dumps(made))
    assert isinstance(again, KeyError)
    assert str(again) == str(made)


def test_errors_of_several_kinds_are_a_group():
    made = composite_of([remote(KeyError("a")), remote(ValueError("b"))], "f")
    assert isinstance(made, CompositeError)
    assert isinstance(pickle.loads(pickle.dumps(made)), ExceptionGroup)
    caught = []
    try:
        raise made
    except* KeyError as group:
        caught.append((KeyError, len(group.exceptions), isinstance(group, CompositeError)))
    except* ValueError as group:
        caught.append((ValueError, len(group.exceptions), isinstance(group, CompositeError)))
    assert caught == [(KeyError, 1, True), (ValueError, 1, True)]


def test_a_composite_can_be_taken_apart():
    errors = [remote(KeyError(str(number))) for number in range(6)]
    made = composite_of([composite_of(errors[:3], "g"), *errors[3:]], "f")
    assert len(made.elist) == 6
    assert repr(made) == "CompositeError(6)"
    with pytest.raises(KeyError, match="4"):
        made.raise_exception(4)
    with pytest.raises(IndexError):
        made.raise_exception(6)
    with pytest.raises(IndexError):
        made.render_traceback(9)
    assert made.render_traceback(0)[0] == "[3:apply]:"
    assert "... 2 more exceptions ..." in made.render_traceback()[-1]
    assert "2 more" in str(made)


def test_a_composite_is_made_of_entries_too(capsys):
    made = CompositeError("msg", [("E", "v", "tb1\ntb2", {}), ("F", "w", None, INFO)])
    assert str(made) == "msg\n[Engine Exception]E: v\n[3:apply]F: w"
    made.print_traceback()
    made.print_traceback(1)
    assert "No traceback available" in capsys.readouterr().out
    with pytest.raises(RemoteError, match="E: v"):
        made.raise_exception()
    assert str(CompositeError("nothing", [])) == "nothing"
    shown = error.AlreadyDisplayedError(made)
    assert (str(shown), shown.n, shown.render_traceback()) == ("2 errors", 2, ["2 errors"])
    assert str(pickle.loads(pickle.dumps(shown))) == "2 errors"


def test_collect_exceptions_raises_what_it_finds_and_passes_the_rest():
    assert error.collect_exceptions([1, 2], "f") == [1, 2]
    assert error.collect_exceptions({0: 1}, "f") == {0: 1}
    with pytest.raises(CompositeError, match="raised in: f"):
        error.collect_exceptions({0: 1, 1: remote(KeyError("a"))}, "f")


def test_an_exception_as_plain_data_and_back():
    try:
        raise ValueError("x")
    except ValueError:
        content = error.wrap_exception(INFO)
    again = error.unwrap_exception(content)
    assert (again.ename, again.evalue, again.engine_info) == ("ValueError", "x", INFO)
    assert "ValueError: x" in again.traceback
    assert pickle.loads(pickle.dumps(again)).ename == "ValueError"


def test_the_usual_names_are_there():
    assert error.TaskTimeout is error.DependencyTimeout
    assert error.TimeoutError is TimeoutError
    assert issubclass(error.TaskAborted, error.KernelError)
    assert "wait_for_engines" in str(error.NoEnginesRegistered())
