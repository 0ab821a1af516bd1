import sys
import threading

import pytest

from gangline.views import error, outputs
from gangline.views.metadata import Metadata


def write(x):
    print("out", x)
    print("err", x, file=sys.stderr)
    return x


def fail():
    print("before")
    raise KeyError("k")


class TestDisplay:
    def test_one_task_is_shown_as_it_is(self, rc, capsys):
        ar = rc[0].apply_async(write, 1)
        ar.wait()
        ar.display_outputs()
        assert capsys.readouterr() == ("out 1\n", "err 1\n")

    @pytest.mark.parametrize("groupby", ["type", "engine", "order"])
    def test_several_say_where_they_come_from(self, rc, capsys, groupby):
        ar = rc[:].apply_async(write, 1)
        ar.wait()
        ar.display_outputs(groupby)
        out, err = capsys.readouterr()
        assert out == "[stdout:0] \nout 1\n[stdout:1] \nout 1\n"
        assert err == "[stderr:0] \nerr 1\n[stderr:1] \nerr 1\n"

    def test_only_results(self, rc, capsys):
        ar = rc[:].apply_async(write, 1)
        ar.wait()
        ar.display_outputs(result_only=True)
        assert capsys.readouterr() == ("", "")

    def test_a_new_heading_begins_a_new_line(self, capsys):
        tasks = [Metadata(engine_id=number, stdout=f"no newline {number}") for number in range(2)]
        outputs.display(tasks, [None, None], "type", False, prefixed=True)
        assert capsys.readouterr().out == "[stdout:0] \nno newline 0\n[stdout:1] \nno newline 1"

    def test_no_such_grouping(self, rc):
        ar = rc[0].apply_async(write, 1)
        ar.wait()
        with pytest.raises(ValueError, match="groupby"):
            ar.display_outputs("colour")


class TestStream:
    def test_what_is_written_is_shown_once(self, rc, capsys):
        ar = rc[0].apply_async(write, 1)
        with ar.stream_output():
            ar.wait()
        assert capsys.readouterr() == ("[stdout:0] \nout 1\n", "[stderr:0] \nerr 1\n")

    def test_what_was_written_before_is_shown_too(self, rc, capsys):
        ar = rc[:].apply_async(write, 1)
        ar.wait()
        with ar.stream_output():
            pass
        assert capsys.readouterr().out == "[stdout:0] \nout 1\n[stdout:1] \nout 1\n"

    def test_it_is_shown_while_the_task_runs(self, monkeypatch):
        shown = threading.Event()

        class Screen:
            text = ""

            def write(self, text):
                self.text += text
                if "early" in self.text:
                    shown.set()

            def flush(self):
                pass

        screen = Screen()
        monkeypatch.setattr(sys, "stdout", screen)
        task = Metadata(engine_id=0)
        with outputs.stream([task]):
            task["stdout"] = "early\n"
            assert shown.wait(60)
            task["stdout"] += "late\n"
            task["status"] = "ok"
        assert screen.text == "[stdout:0] \nearly\nlate\n"

    def test_a_task_that_begins_while_it_is_looked_at_is_shown_with_its_engine(self, capsys):
        class Beginning(Metadata):
            def __getitem__(self, name):
                if name == "stdout":
                    self.update(engine_id=0, stdout="begun\n")
                return super().__getitem__(name)

        with outputs.stream([Beginning()]):
            pass
        assert capsys.readouterr().out == "[stdout:0] \nbegun\n"

    def test_errors_are_shown(self, rc, capsys):
        ar = rc[0].apply_async(fail)
        with ar.stream_output():
            ar.wait()
        out, err = capsys.readouterr()
        assert "before" in out
        assert "KeyError" in err
        with pytest.raises(error.RemoteError):
            ar.get()
