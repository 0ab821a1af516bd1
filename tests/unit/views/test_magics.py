import pytest

pytest.importorskip("IPython")

from IPython.core.error import UsageError as MagicUsageError
from IPython.core.interactiveshell import InteractiveShell

from gangline.views import AsyncResult


@pytest.fixture(scope="module")
def shell():
    shell = InteractiveShell(colors="nocolor")
    shell.history_manager.enabled = False
    return shell


@pytest.fixture
def magics(processes, shell, monkeypatch):
    monkeypatch.setattr("gangline.views.magics.get_ipython", lambda: shell)
    view = processes[:]
    view.block = True
    view.activate()
    return shell.magics_manager.registry["ParallelMagics"]


def test_px(magics, shell, capsys):
    magics.stream_output = False
    shell.run_line_magic("px", "a = 6")
    assert magics.view["a"] == [6, 6]
    shell.run_line_magic("px", "print(a * 7)")
    assert sorted(capsys.readouterr().out.split()) == ["42", "42", "[stdout:0]", "[stdout:1]"]


def test_cell_with_options(magics, shell, capsys):
    shell.run_line_magic("pxconfig", "--verbose")
    shell.run_cell_magic("px", "--targets 0", "b = 'here'")
    assert capsys.readouterr().out == "Parallel execution on engine(s): 0\n"
    assert magics.view.targets == [0, 1]
    with pytest.raises(NameError):
        magics.view["b"]
    result = shell.run_cell_magic("px", "--noblock -o kept --targets 1:", "c = 3")
    assert isinstance(result, AsyncResult)
    assert shell.user_ns["kept"] is result
    result.get(timeout=60)
    assert magics.view.client[1]["c"] == 3


def test_local_too(magics, shell):
    shell.run_cell_magic("px", "--local --no-stream", "both = 5")
    assert shell.user_ns["both"] == 5
    assert magics.view["both"] == [5, 5]


def test_pxresult(magics, shell, capsys):
    with pytest.raises(MagicUsageError):
        shell.run_line_magic("pxresult", "")
    shell.run_cell_magic("px", "--noblock", "print('late')")
    shell.run_line_magic("pxresult", "")
    assert capsys.readouterr().out.count("late") == 2
    shell.run_line_magic("pxresult", "-o again")
    assert shell.user_ns["again"] is magics.last_result


def test_pxconfig(magics, shell):
    shell.run_line_magic("pxconfig", "--noblock --no-stream --targets all --progress-after -1 --signal-on-interrupt 0")
    assert (magics.view.block, magics.stream_output, magics.view.targets) == (False, False, "all")
    assert (magics.progress_after_seconds, magics.signal_on_interrupt) == (-1, 0)


def test_autopx(magics, shell, capsys):
    shell.run_cell("%autopx")
    shell.run_cell("only_there = 1")
    shell.run_cell("%autopx")
    assert "only_there" not in shell.user_ns
    assert magics.view["only_there"] == [1, 1]
    assert capsys.readouterr().out.split() == ["%autopx", "enabled", "%autopx", "disabled"]


def test_errors(magics, shell):
    with pytest.raises(Exception, match="2 errors"):
        shell.run_line_magic("px", "1 / 0")


def test_outside_of_ipython(processes):
    with pytest.warns(UserWarning, match="IPython only"):
        processes[:].activate()
