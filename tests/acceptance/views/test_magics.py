"""%px, %%px, %autopx and %pxresult in an IPython shell (what they print is compared in tests/differential)."""

from __future__ import annotations

import pytest

import gangline.views as ipp


@pytest.fixture
def shell(tmp_path, monkeypatch, rc):
    interactiveshell = pytest.importorskip("IPython.core.interactiveshell")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = interactiveshell.InteractiveShell.instance()
    shell.user_ns["rc"] = rc
    rc.activate()
    yield shell
    interactiveshell.InteractiveShell.clear_instance()


def run(shell, text):
    result = shell.run_cell(text)
    assert result.success, result.error_in_exec or result.error_before_exec


def test_px_line_and_cell(shell, rc, capsys):
    run(shell, "%px a = 3")
    run(shell, "%%px\nb = a * 2\nprint('b is', b)")
    assert rc[:]["b"] == [6, 6]
    shown = capsys.readouterr().out
    assert shown.count("b is 6") == 2


def test_px_error_is_shown(shell, capsys):
    result = shell.run_cell("%px 1 / 0")
    assert not result.success
    assert isinstance(result.error_in_exec, ipp.RemoteError)


def test_px_targets(shell, rc):
    run(shell, "%px where = 'all'")
    run(shell, "%%px --targets 1\nwhere = 'one'")
    assert rc[:]["where"] == ["all", "one"]


def test_pxresult(shell, capsys):
    run(shell, "%%px --noblock\nprint('later')")
    run(shell, "%pxresult")
    assert capsys.readouterr().out.count("later") == 2


def test_autopx(shell, rc, capsys):
    run(shell, "%autopx")
    run(shell, "remote_only = 9")
    run(shell, "%autopx")
    assert "remote_only" not in shell.user_ns
    assert rc[:]["remote_only"] == [9, 9]
