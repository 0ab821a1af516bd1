"""Groups of the parts of a distributed data set."""

import pytest

from gangline.recipes.group_data import gvds_iterator, load_data_map, store_data_map
from gangline.recipes.parset import ParameterError

PARTS = [("a", 1), ("a", 2), ("b", 3), ("a", 4)]
GVDS = "NParts = 4\n" + "".join(
    f"Part{at}.FileSys = {host}:/data\nPart{at}.FileName = /data/{name}.MS\nPart{at}.Name = '/vds/{name}.vds'\n"
    for at, (host, name) in enumerate(PARTS)
)


def test_parts_come_in_groups_that_are_small_on_each_host(tmp_path):
    (tmp_path / "all.gvds").write_text(GVDS)
    parts = {name: (host, f"/data/{name}.MS", f"/vds/{name}.vds") for host, name in PARTS}
    assert list(gvds_iterator(tmp_path / "all.gvds", 2)) == [[parts[1], parts[2], parts[3]], [parts[4]]]
    assert list(gvds_iterator(tmp_path / "all.gvds")) == [[parts[1], parts[2], parts[4], parts[3]]]


@pytest.mark.parametrize(
    ("text", "nproc", "words"),
    [
        ("", 1, "there is no parameter NParts"),
        ("NParts = 1", 1, "there is no parameter Part0.FileSys"),
        ("NParts = x", 1, "the parameter NParts: 'x' is not a whole number"),
        ("NParts = 0", 0, "a group has one part or more of a host, not 0"),
    ],
)
def test_what_is_missing_is_named(tmp_path, text, nproc, words):
    (tmp_path / "all.gvds").write_text(text)
    with pytest.raises(ParameterError, match=words.replace(".", r"\.")):
        list(gvds_iterator(tmp_path / "all.gvds", nproc))


def test_no_parts_are_no_groups(tmp_path):
    (tmp_path / "all.gvds").write_text("NParts = 0")
    assert list(gvds_iterator(tmp_path / "all.gvds")) == []


def test_data_maps_are_here_too(tmp_path):
    store_data_map(tmp_path / "map", [("a", "x")])
    assert len(load_data_map(tmp_path / "map")) == 1
