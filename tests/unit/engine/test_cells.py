import subprocess
import sys

import pytest

from gangline.errors import UsageError
from gangline.views import Client


@pytest.fixture(scope="module")
def engine():
    with Client(n=1) as rc:
        yield rc[0]


@pytest.fixture(scope="module")
def thread():
    with Client(n=1, backend="threads") as rc:
        yield rc[0]


def loaded(engine, module):
    return engine.apply_sync(eval, f"__import__('sys').modules.get({module!r}) is not None")


def test_plain_code_does_not_import_ipython():
    with Client(n=1) as rc:
        rc[0].execute("a = 1\nfor n in range(3): a += n\nprint(a)", block=True)
        assert not loaded(rc[0], "IPython")
        rc[0].execute("a", silent=False, block=True)
        assert loaded(rc[0], "IPython")


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        ("x = !echo hello", "list(x)", ["hello"]),
        ("%env GANGLINE_TEST=1", "__import__('os').environ['GANGLINE_TEST']", "1"),
        ("get_ipython().user_ns['y'] = 5", "y", 5),
        ("%%capture z\nprint('caught')", "z.stdout", "caught\n"),
    ],
)
def test_what_ipython_understands(engine, code, name, value):
    engine.execute(code, block=True)
    assert engine[name] == value


def test_rich_values(engine):
    engine.execute("from IPython.display import HTML, Image", block=True)
    reply = engine.execute("HTML('<b>bold</b>')", silent=False).get(timeout=60)
    assert reply.data["text/html"] == reply._repr_html_() == "<b>bold</b>"
    picture = engine.execute("Image(data=b'png', format='png', width=10)", silent=False).get(timeout=60)
    assert picture._repr_png_() == ("cG5n", {"width": 10})
    assert (picture._repr_svg_(), picture._repr_latex_(), picture._repr_json_()) == (None, None, None)


def test_display_in_code_and_in_functions(engine):
    result = engine.execute("from IPython.display import display\nfor n in range(2): display(n)", block=True)
    assert [output["data"] for output in result.outputs] == [{"text/plain": "0"}, {"text/plain": "1"}]
    shown = engine.apply_async(show, 3)
    assert shown.get(timeout=60) == "shown"
    assert [output["data"] for output in shown.outputs] == [{"text/plain": str(n)} for n in range(3)]


def show(count):
    from IPython.display import display, publish_display_data

    for n in range(count - 1):
        display(n)
    publish_display_data({"text/plain": str(count - 1)})
    return "shown"


@pytest.mark.parametrize("backend", ["processes", "threads"])
def test_display_without_a_shell(backend):
    with Client(n=1, backend=backend) as rc:
        shown = rc[0].apply_async(show, 2)
        shown.get(timeout=60)
        assert [output["data"] for output in shown.outputs] == [{"text/plain": "0"}, {"text/plain": "1"}]


def test_display_options(engine):
    def raw():
        from IPython.display import display

        display({"text/html": "<i>"}, raw=True, metadata={"m": 1})
        return display(1, display_id="mine").display_id

    shown = engine.apply_async(raw)
    assert shown.get(timeout=60) == "mine"
    assert shown.outputs[0] == {"data": {"text/html": "<i>"}, "metadata": {"m": 1}}


def test_errors_point_at_the_code(engine):
    for code in ("a = 1\nb = 1 / 0", "%time 1 / 0"):
        with pytest.raises(ZeroDivisionError) as caught:
            engine.execute(code, block=True)
        assert "1 / 0" in caught.value.traceback


def test_history_is_forgotten_with_the_names(engine):
    engine.execute("111", silent=False, block=True)
    engine.clear(block=True)
    assert engine["sorted(name for name in globals() if name == 'HTML')"] == []
    assert engine.execute("6 * 7", silent=False).get(timeout=60).data == {"text/plain": "42"}


def test_threads_share_no_shell(thread):
    thread.execute("y = 1", block=True)
    assert thread.execute("y + 1", silent=False).get(timeout=60).data == {"text/plain": "2"}
    with pytest.raises(UsageError, match="processes"):
        thread.execute("%time 1", block=True)
    with pytest.raises(SyntaxError):
        thread.execute("a b c", block=True)


def test_without_ipython():
    program = (
        "import sys\n"
        "sys.modules['IPython'] = None\n"
        "import importlib.util\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: None if name == 'IPython' else real(name, package)\n"
        "from gangline._engine import cells, context\n"
        "engine = context.EngineContext({}, 0, 'x')\n"
        "context.set_process_context(engine)\n"
        "print(cells.run(engine, '[1, 2]', silent=False).execute_result)\n"
        "try:\n"
        "    cells.run(engine, '%time 1', silent=False)\n"
        "except SyntaxError:\n"
        "    print('SyntaxError')\n"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output == "{'data': {'text/plain': '[1, 2]'}, 'metadata': {}}\nSyntaxError\n"
