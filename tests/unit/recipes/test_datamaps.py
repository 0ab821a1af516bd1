"""Data maps: their forms, their files, what belongs together."""

import ast
import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gangline.recipes import data_map
from gangline.recipes.datamaps import (
    DataMap,
    DataMapError,
    DataProduct,
    MultiDataMap,
    MultiDataProduct,
    align_data_maps,
    load_data_map,
    store_data_map,
    validate_data_maps,
)

THREE = [("a", "/data/1.fits", False), ("b", "/data/2.fits", True), ("a", "/data/3.fits", False)]


@pytest.fixture
def three():
    return DataMap(THREE)


def test_the_forms_that_entries_may_have(three):
    assert DataMap([dict(zip(("host", "file", "skip"), each, strict=True)) for each in THREE]) == three
    assert DataMap([DataProduct(*each) for each in THREE]) == three
    assert DataMap(each for each in THREE) == three
    assert DataMap([("a", "x"), ["b", Path("/y")]]) == DataMap({"a": ["x"], "b": ("/y",)})
    assert DataMap(three) == three
    assert len(DataMap()) == 0


def test_what_one_meets_in_a_loop(three):
    assert [each.file for each in three] == ["/data/1.fits", "/data/2.fits", "/data/3.fits"]
    three.iterator = DataMap.SkipIterator
    assert list(three) == [DataProduct(*THREE[0]), DataProduct(*THREE[2])]
    three.iterator = DataMap.TupleIterator
    assert list(three) == [("a", "/data/1.fits"), ("a", "/data/3.fits")]
    assert list(DataMap(THREE, iterator=DataMap.TupleIterator)) == list(three)
    assert (len(three), len(three.data)) == (3, 3)


def test_a_list_of_products(three):
    assert three[1] == DataProduct("b", "/data/2.fits", True)
    assert three[1:] == three.data[1:]
    three.append(("c", "x"))
    three[0] = ("d", "y", True)
    assert repr(three[0]) == "{'host': 'd', 'file': 'y', 'skip': True}"
    assert [each.host for each in three] == ["d", "b", "a", "c"]
    three.data = [("e", "z")]
    assert three == DataMap([("e", "z", False)])
    assert three != [("e", "z", False)]
    assert DataProduct() == DataProduct(None, None, True)
    assert DataProduct() != "x"


@given(st.lists(st.tuples(st.text(min_size=1), st.text(st.characters(exclude_characters="\0")), st.booleans())))
def test_what_was_saved_is_loaded(tmp_path_factory, entries):
    path = tmp_path_factory.getbasetemp() / "any.mapfile"
    DataMap(entries).save(path)
    assert DataMap.load(path) == DataMap(entries)


def test_files_have_an_entry_a_line_that_other_programs_can_read(three, tmp_path):
    three.save(tmp_path / "three")
    lines = (tmp_path / "three").read_text().splitlines()
    assert lines[0] == "[{'host': 'a', 'file': '/data/1.fits', 'skip': False},"
    assert len(lines) == 3
    assert ast.literal_eval("\n".join(lines))[1] == {"host": "b", "file": "/data/2.fits", "skip": True}


def test_saving_keeps_rights_and_links_and_leaves_nothing_else(three, tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("[]")
    real.chmod(0o640)
    link.symlink_to(real)
    three.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert DataMap.load(real) == three
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


def test_a_file_that_cannot_be_written_stays_as_it_was(three, tmp_path):
    with pytest.raises(DataMapError, match="cannot be written: No such file or directory"):
        three.save(tmp_path / "gone" / "x")
    path = tmp_path / "map"
    three.save(path)
    three[0].file = 5
    with pytest.raises(DataMapError, match=r"map, entry 0: file must be the name of a file, not 5"):
        three.save(path)
    assert DataMap.load(path) == DataMap(THREE)
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataMapError, match="cannot be written: Is a directory"):
        DataMap().save(tmp_path / "folder")
    assert sorted(os.listdir(tmp_path)) == ["folder", "map"]


@pytest.mark.parametrize(
    "text",
    [
        "[{'host': 'a', 'file': 'x', 'skip': False}, {'host': 'b', 'file': 'y', 'skip': False}]",
        "# made by hand\n[\n ('a', 'x'),  # one\n ('b', u'y', False),\n]\n",
        "{'a': ['x'], 'b': ['y']}",
        "(('a', 'x'), ('b', 'y'))",
        "# as parameters\na = [x]\nb = ['y']\n",
    ],
)
def test_the_formats_of_files(tmp_path, text):
    path = tmp_path / "map"
    path.write_text(text)
    assert DataMap.load(path) == DataMap([("a", "x"), ("b", "y")])
    assert load_data_map(str(path)) == DataMap([("a", "x"), ("b", "y")])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty; a map without entries is: []"),
        ("# only this\n", "is empty"),
        ("[('a', 'x'), ('b', 'y'), ('c',)]", "entry 2: an entry has host, file and skip; ('c',) is none"),
        ("[('a', 'x', 'no')]", "entry 0: skip must be True or False, not 'no'"),
        ("[('', 'x')]", "entry 0: the host must be a name, not ''"),
        ("[(5, 'x')]", "entry 0: the host must be a name, not 5"),
        ("[('a', ['x'])]", "entry 0: file must be the name of a file, not ['x']"),
        ("[('a', 'x\\0y')]", "entry 0: file must be the name of a file"),
        ("[{'host': 'a', 'file': 'x'}]", "entry 0: there is no skip; an entry has host, file and skip"),
        ("[{'host': 'a', 'file': 'x', 'skip': 0}]", "entry 0: skip must be True or False, not 0"),
        ("[{'host': 'a', 'file': 'x', 'skip': True, 'fiel': 1}]", "entry 0: there is no field 'fiel'"),
        ("{'a': 'x'}", "host 'a' must have a list of files, not 'x'"),
        ("['ab']", "entry 0: an entry has host, file and skip; 'ab' is none"),
        ("[\n('a', 'x'),\n(]", "line 3: this is no data map"),
        ("[__import__('os').system('touch evil')]", "a data map has only texts, True, False, lists and the like"),
        ("[open]", "a data map has only texts"),
        ("[('a', x)]", "a data map has only texts"),
        ("{[]: 1}", "a data map has only texts"),
        ("[" * 100_000, "this is no data map"),
        ("[" + "1," * 1_000_001 + "]", "the data map has too many entries"),
        ("a [x]", "line 1: 'a [x]' is no parameter"),
        ("a = [x", "line 1: a bracket is opened that is never closed"),
    ],
)
def test_files_that_make_no_sense_are_named_with_entry_and_field(tmp_path, monkeypatch, text, words):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "map"
    path.write_text(text)
    with pytest.raises(DataMapError) as caught:
        DataMap.load(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert os.listdir(tmp_path) == ["map"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("abc", "data map: a data map is a list of entries, not 'abc'"),
        (5, "data map: a data map is a list of entries, not 5"),
        ([("a", "x"), None], "data map, entry 1: an entry has host, file and skip; None is none"),
        ([DataProduct("a", None, False)], "entry 0: file must be the name of a file, not None"),
    ],
)
def test_what_is_no_map(data, words):
    with pytest.raises(DataMapError, match=re.escape(words)):
        DataMap(data)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataMapError, match=r"x cannot be read: No such file"):
        DataMap.load(tmp_path / "x")


def test_maps_that_belong_together_skip_together(three):
    other = DataMap([("a", "1.out"), ("b", "2.out"), ("a", "3.out", True)])
    assert validate_data_maps(three, other)
    align_data_maps(three, other)
    assert [each.skip for each in three] == [each.skip for each in other] == [False, True, True]
    assert validate_data_maps(three)
    assert validate_data_maps()
    align_data_maps()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ([("a", "1")], "they have 3, 1 entries"),
        ([("a", "1"), ("c", "2", True), ("a", "3")], "entry 1 is on b and on c"),
    ],
)
def test_maps_that_do_not_belong_together_are_left_alone(three, other, words):
    other = DataMap(other)
    assert not validate_data_maps(three, other)
    with pytest.raises(DataMapError, match=words):
        align_data_maps(three, other)
    assert not other[0].skip


def test_several_files_in_an_entry(tmp_path):
    several = MultiDataMap([("a", ["1", "2", "3"]), ("b", "4", True)])
    assert several[1] == MultiDataProduct("b", ["4"], True)
    assert MultiDataProduct().file == []
    several.save(tmp_path / "map")
    assert MultiDataMap.load(tmp_path / "map") == several
    several.split_list(2)
    assert [(each.host, each.file, each.skip) for each in several] == [
        ("a", ["1", "2"], False), ("a", ["3"], False), ("b", ["4"], True),
    ]  # fmt: skip
    with pytest.raises(DataMapError, match="one file or more, not 0"):
        several.split_list(0)
    with pytest.raises(DataMapError, match="must be the name of a file, or a list of such, not"):
        MultiDataMap([("a", [1])])
    assert validate_data_maps(several, DataMap([("a", "x"), ("a", "y"), ("b", "z")]))
    assert MultiDataMap(DataMap(THREE))[0] == MultiDataProduct("a", ["/data/1.fits"], False)


def test_the_older_names(tmp_path, three):
    store_data_map(tmp_path / "x", THREE)
    assert data_map.load_data_map(tmp_path / "x") == three
    store_data_map(tmp_path / "x", three)
    assert data_map.DataMap is DataMap
