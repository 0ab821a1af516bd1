"""Tasks in files, and where recipes are found."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline.recipes.configuration import ConfigurationError
from gangline.recipes.finding import find_recipe, recipes_in
from gangline.recipes.lofarexceptions import RecipeNotFound
from gangline.recipes.tasks import TaskDefinitions

RECIPE = "from gangline.recipes import BaseRecipe\nclass {}(BaseRecipe):\n    pass\n"


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    """What recipes were imported is forgotten."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if not name.startswith("gangline"):
            del sys.modules[name]


def tasks(tmp_path: Path, *texts: str) -> TaskDefinitions:
    files = []
    for number, text in enumerate(texts):
        files.append(str(tmp_path / f"tasks{number}.cfg"))
        Path(files[-1]).write_text(text)
    return TaskDefinitions(files, {"lroot": "/opt/50%", "cwd": "/here"})


def test_a_task(tmp_path: Path) -> None:
    found = tasks(tmp_path, "[DEFAULT]\nshared = 1\n[a]\nrecipe = r\nFile = %(lroot)s/f\nlevel = %(shared)s\n").get("a")
    assert (found.name, found.recipe) == ("a", "r")
    assert {name: value.value for name, value in found.parameters.items()} == {"file": "/opt/50%/f", "level": "1"}
    assert found.parameters["level"].source == f"{tmp_path}/tasks0.cfg, [a]"


def test_later_files_add_and_win(tmp_path: Path) -> None:
    found = tasks(tmp_path, "[a]\nrecipe = r\nx = 1\ny = 1\n[b]\nrecipe = r\n", "[a]\nx = 2\n[c]\nrecipe = r\n")
    assert found.names == ["a", "b", "c"]
    assert {name: value.value for name, value in found.get("a").parameters.items()} == {"x": "2", "y": "1"}
    assert found.get("a").place == f"{tmp_path}/tasks1.cfg, [a]"
    assert found.get("b").place == f"{tmp_path}/tasks0.cfg, [b]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a]\nx = 1\n", r"\[a\]: the task does not say what it is: 'recipe = NAME' is missing"),
        ("[a]\nrecipe =\n", "'recipe = NAME' is missing"),
        ("[a]\nrecipe = %(nowhere)s\n", "nowhere"),
        ("a\n", "cannot be read: File contains no section headers"),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        tasks(tmp_path, text).get("a")
    assert "tasks0.cfg" in str(caught.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeNotFound, match=r"there is no task 'calibrat' in .*tasks0.cfg; did you mean 'calibrate'"):
        tasks(tmp_path, "[calibrate]\nrecipe = r\n").get("calibrat")
    with pytest.raises(RecipeNotFound, match="there is no task 'a'; there are: none"):
        TaskDefinitions().get("a")
    with pytest.raises(ConfigurationError, match="No such file"):
        TaskDefinitions([str(tmp_path / "none")])


def test_finding(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two" / "master").mkdir(parents=True)
    (tmp_path / "one" / "beside.py").write_text("X = 3\n")
    (tmp_path / "one" / "first.py").write_text(f"import beside\n{RECIPE.format('first')}")
    (tmp_path / "two" / "master" / "second.py").write_text(RECIPE.format("Second"))
    (tmp_path / "two" / "first.py").write_text(RECIPE.format("first"))
    folders = [str(tmp_path / "one"), str(tmp_path / "two")]
    first = find_recipe("first", folders, {})
    assert first().__file__ == str(tmp_path / "one" / "first.py")
    assert find_recipe("first", folders, {}) is first
    assert find_recipe("first", folders[1:], {}) is not first
    second = find_recipe("second", folders, {})
    assert second.__name__ == "Second"
    assert find_recipe("other", folders, {"other": second}) is second
    assert folders[0] not in sys.path
    assert recipes_in(sys.modules[first.__module__]) == {"first": first}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def\n", "cannot be imported: SyntaxError"),
        ("import nonsense_that_is_not\n", "cannot be imported: ModuleNotFoundError: No module named"),
        ("X = 1\n", "has no recipe of that name; there are: none"),
        (RECIPE.format("serch") + "class Other(BaseRecipe):\n    pass\n", "of that name; did you mean 'serch'"),
        ("from gangline.recipes import BaseRecipe\n", "has no recipe of that name"),
    ],
)  # fmt: skip
def test_files_that_are_no_recipes(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "search.py").write_text(text)
    with pytest.raises(RecipeNotFound, match=said):
        find_recipe("search", [str(tmp_path)], {})


def test_recipes_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "search.py").write_text(RECIPE.format("search"))
    with pytest.raises(RecipeNotFound, match=rf"there is no recipe 'serch' in {tmp_path}; did you mean 'search'"):
        find_recipe("serch", [str(tmp_path)], {})
    with pytest.raises(RecipeNotFound, match="names no folder"):
        find_recipe("serch", [], {})
