"""Classes by name, as workers find them."""

import subprocess
import sys

import pytest

from gangline.errors import UsageError
from gangline.queue import DurableJob
from gangline.queue.described import locate
from gangline.queue.naming import check_name, find_class, load_class


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "code"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").write_text("from gangline.queue import DurableJob\n")
    (folder / "shop" / "orders.py").write_text(
        "from gangline.queue import DurableJob\n\n\n"
        "class Invoices(DurableJob):\n    def execute(self):\n        return 1\n\n"
        "    class Inner(DurableJob):\n        def execute(self):\n            return 2\n"
    )
    (folder / "shop" / "broken.py").write_text("import nothing_of_this_name\n")
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


def test_a_class_of_a_module_in_a_folder(package):
    cls = load_class("shop.orders.Invoices")
    assert locate(cls) == ("shop.orders.Invoices", str(package))
    assert find_class("shop.orders.Invoices") is cls
    assert locate(load_class("shop.orders.Invoices.Inner")) == ("shop.orders.Invoices.Inner", str(package))


def test_an_installed_class_needs_no_folder():
    import email.message

    from gangline.queue.naming import locate as locate_any

    assert locate_any(email.message.Message) == ("email.message.Message", "")


def test_a_folder_is_put_into_the_path(package):
    program = (
        "import sys\nfrom gangline.queue.naming import load_class\n"
        f"load_class('shop.orders.Invoices', {str(package)!r})\nload_class('shop.orders.Invoices', {str(package)!r})\n"
        f"print(sys.path.count({str(package)!r}))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "1\n"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("nowhere.Job", ModuleNotFoundError, "nowhere"),
        ("shop.nowhere.Job", ImportError, "shop has no class 'nowhere'"),
        ("shop.orders.Invoice", ImportError, "shop.orders has no class 'Invoice'; did you mean 'Invoices'"),
        ("shop.broken.Job", ModuleNotFoundError, "nothing_of_this_name"),
        ("shop.orders", ImportError, "no class but a module"),
    ],
)
def test_what_cannot_be_loaded(package, name, kind, words):
    with pytest.raises(kind, match=words):
        load_class(name)


def test_what_is_not_here_may_be_elsewhere_and_what_is_wrong_is_refused(package):
    assert find_class("nowhere.Job") is None
    assert find_class("shop.broken.Job") is None
    with pytest.raises(UsageError, match="did you mean 'Invoices'"):
        find_class("shop.orders.Invoice")


@pytest.mark.parametrize("name", ["Job", "", ".Job", "a..b", "a. .B", "a.B\0"])
def test_names_that_are_none(name):
    with pytest.raises(UsageError, match=r"write 'module\.Class'"):
        check_name(name)


def test_a_class_in_a_function():
    class Local(DurableJob):
        def execute(self):
            pass

    with pytest.raises(UsageError, match="made inside a function"):
        locate(Local)


class Twice(DurableJob):
    def execute(self):
        pass


first = Twice


class Twice(DurableJob):  # type: ignore[no-redef]
    def execute(self):
        pass


class Nothing(DurableJob):
    pass


class Later(DurableJob):
    async def execute(self):
        pass


class Bit(DurableJob):
    def execute(self):
        yield 1


class Stranger:
    pass


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (first, "names something else than this class"),
        (Nothing, "Nothing has no method execute"),
        (DurableJob, "DurableJob has no method execute"),
        (Later, "Later.execute is async"),
        (Bit, "Bit.execute is a generator"),
        (Stranger, r"Stranger is no class of jobs; make it one: class Stranger\(DurableJob\)"),
        (Twice(), "is no class of jobs"),
        (5, "5 is no class of jobs"),
    ],
)
def test_classes_that_no_worker_could_run(cls, words):
    with pytest.raises(UsageError, match=words):
        locate(cls)


PROGRAM = """
from gangline.queue import DurableJob
from gangline.queue.described import locate
from gangline.queue.naming import find_class

class Job(DurableJob):
    def execute(self):
        pass

if __name__ == "__main__":
    try:
        print(*locate(Job), find_class("program.Job") is Job)
    except ValueError as error:
        print(error)
"""


def run(*command, cwd, text=None):
    done = subprocess.run([sys.executable, *command], cwd=cwd, input=text, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_class_of_the_program(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    assert run("program.py", cwd=tmp_path) == f"program.Job {tmp_path} True"
    assert run("-m", "program", cwd=tmp_path) == f"program.Job {tmp_path} True"


@pytest.mark.parametrize(
    ("name", "words"), [("queue.py", "Python's own library"), ("a.b.py", "rename it"), ("job", "rename it")]
)
def test_programs_that_cannot_be_imported(tmp_path, name, words):
    (tmp_path / name).write_text(PROGRAM)
    assert words in run("-P", name, cwd=tmp_path)


def test_a_class_that_was_typed_in(tmp_path):
    assert "typed in" in run("-", cwd=tmp_path, text=PROGRAM)
