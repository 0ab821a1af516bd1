"""Files of parameters, and temporary ones with some values changed."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gangline.recipes.parset import ParameterError, Parset, get_parset, patch_parset, patched_parset

TEXT = """\
# What to do.
msin = "/data/L1.MS"     # where from
msin.autoweight = true
steps = [flag, average]
average.freqstep = 4
average.weights = [1.5, 2, 2*0.5]
beams = [3..5, 9]
flags = [T, false]
Names = ['a, b', c]
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "it.parset"
    file.write_text(TEXT)
    return file


def test_values_have_the_type_that_is_asked_for(path):
    parset = get_parset(path)
    assert parset.getString("msin") == "/data/L1.MS"
    assert parset.getBool("msin.autoweight") is True
    assert parset.getInt("average.freqstep") == 4
    assert parset.getFloat("average.freqstep") == 4.0
    assert parset.getDouble("gone", 2.5) == 2.5
    assert parset.getStringVector("steps") == ["flag", "average"]
    assert parset.getStringVector("Names") == ["a, b", "c"]
    assert parset.getStringVector("msin") == ["/data/L1.MS"]
    assert parset.getVector("Names") == ["'a, b'", "c"]
    assert parset.getIntVector("beams", True) == [3, 4, 5, 9]
    assert parset.getFloatVector("average.weights", expandable=True) == [1.5, 2, 0.5, 0.5]
    assert parset.getBoolVector("flags") == [True, False]
    assert parset.getIntVector("gone", [1]) == [1]
    assert parset.getString("gone", "") == ""


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda p: p.getString("gone"), "there is no parameter gone; there are msin, msin.autoweight, steps"),
        (lambda p: p.getInt("msin"), "the parameter msin: '\"/data/L1.MS\"' is not a whole number"),
        (lambda p: p.getFloat("steps", 1.0), "the parameter steps: '[flag, average]' is not a number"),
        (lambda p: p.getBool("steps"), "the parameter steps: '[flag, average]' is neither true nor false"),
        (lambda p: p.getIntVector("beams"), "the parameter beams: '3..5' is not a whole number"),
        (lambda p: p.add("steps", 1), "the parameter steps is there already: [flag, average]"),
        (lambda p: p.remove("gone"), "there is no parameter gone"),
        (lambda p: p.replace("a", "x # y"), "parameter 'a': 'x # y' would be read from a file as a = x; quote it"),
        (lambda p: p.replace("a", "x\ny = 1"), "the parameter 'a' has a line break in it"),
        (lambda p: p.replace("a", "[x"), "parameter 'a', line 1: a bracket is opened that is never closed"),
        (lambda p: p.replace("a b", "x"), "'a b' cannot be the key of a parameter"),
        (lambda p: p.replace("a=b", "x"), "would be read from a file as a = b = x"),
        (lambda p: p.replace("#", "x"), "would be read from a file as nothing"),
        (lambda p: p.writeFile("/nowhere/x"), "/nowhere/x cannot be written: No such file or directory"),
    ],
)
def test_what_makes_no_sense_is_named(path, ask, words):
    parset = get_parset(path)
    with pytest.raises(ParameterError) as caught:
        ask(parset)
    assert words in str(caught.value)
    assert parset == get_parset(path)


def test_parameters_are_changed_written_and_read_again(path, tmp_path):
    parset = Parset(path)
    parset.replace("average.freqstep", 8)
    parset.add("list", ["a", 1, True, [2.5]])
    parset.remove("beams")
    parset.writeFile(tmp_path / "other")
    again = Parset(tmp_path / "other")
    assert again == parset
    assert again.getInt("average.freqstep") == 8
    assert again["list"] == "[a, 1, true, [2.5]]"
    assert "beams" not in again
    assert again.isDefined("steps")
    assert again.size() == len(again) == 8
    Parset.fromDict({"more": 1}).writeFile(tmp_path / "other", append=True)
    assert Parset(tmp_path / "other").getInt("more") == 1
    parset.clear()
    assert str(parset) == ""


def test_subsets_and_collections(path):
    parset = get_parset(path)
    assert dict(parset.makeSubset("average.")) == {"freqstep": "4", "weights": "[1.5, 2, 2*0.5]"}
    assert list(parset.makeSubset("average.", "a.")) == ["a.freqstep", "a.weights"]
    both = Parset.fromDict({"x.steps": "none"})
    both.adoptCollection(parset.makeSubset("steps"), "x.steps")
    both.adoptFile(path, "y.")
    assert both["x.steps"] == "[flag, average]"
    assert both.getInt("y.average.freqstep") == 4


def test_keys_whose_case_does_not_matter(path):
    parset = Parset(path, caseInsensitive=True)
    assert parset.getStringVector("STEPS") == ["flag", "average"]
    parset.replace("MsIn", "x")
    assert parset["msin"] == "x"
    assert list(parset.makeSubset("AVERAGE.")) == ["freqstep", "weights"]
    assert "Steps" not in Parset(path)


VALUES = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.text(st.sampled_from("ab.[]=# ")), VALUES | st.integers() | st.floats() | st.booleans() | st.lists(VALUES))
def test_what_is_accepted_is_read_again_as_it_was(tmp_path_factory, key, value):
    parset = Parset()
    try:
        parset.replace(key, value)
    except ParameterError:
        assert len(parset) == 0
        return
    file = tmp_path_factory.getbasetemp() / "any.parset"
    parset.writeFile(file)
    assert Parset(file) == parset


def test_a_temporary_file_with_changes_goes_away(path, tmp_path):
    with patched_parset(path, {"average.freqstep": 16, "new": "'x'"}, output_dir=tmp_path) as name:
        patched = get_parset(name)
        assert os.path.dirname(name) == str(tmp_path)
        assert patched.getInt("average.freqstep") == 16
        assert patched.getString("new") == "x"
        assert patched.getBool("msin.autoweight")
    assert os.listdir(tmp_path) == ["it.parset"]
    assert path.read_text() == TEXT


def stop(name):
    raise RuntimeError(name)


def test_it_goes_away_also_on_an_error_and_when_somebody_else_has_removed_it(path, tmp_path):
    with patched_parset(get_parset(path), {}, tmp_path) as name:
        os.unlink(name)
    with pytest.raises(RuntimeError), patched_parset(path, {}, tmp_path) as name:  # noqa: PT012
        assert os.path.exists(name)
        stop(name)
    with pytest.raises(ParameterError), patched_parset(path, {"a b": 1}, tmp_path):
        pass
    assert os.listdir(tmp_path) == ["it.parset"]


def test_it_stays_if_that_is_wanted(path, tmp_path):
    with patched_parset(path, {}, tmp_path, unlink=False) as name:
        pass
    other = patch_parset(path, {"steps": "[]"}, tmp_path)
    assert get_parset(name) == get_parset(path)
    assert get_parset(other).getStringVector("steps") == []
    with pytest.raises(ParameterError, match=r"no file can be made in .*gone: No such file"):
        patch_parset(path, {}, tmp_path / "gone")
