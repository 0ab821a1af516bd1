"""Descriptions of clusters, and lists of hosts."""

import pickle
import re

import pytest

from gangline.cluster import ClusterDesc, ClusterError, get_compute_nodes, get_head_node

FULL = """\
# Our cluster.
ClusterName = 'dop368'   # quoted

Compute.Nodes = [ dop[01..03], node009..11, 2*"x" ]
Compute.LocalDisks = [ /data, \\
                       /scratch ]
Head.Nodes = [ dop368 ]
"""


@pytest.fixture
def put(tmp_path):
    """Write a file, and return its name."""

    def write(text, name="it.clusterdesc"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


def test_a_description(put):
    cluster = ClusterDesc(put(FULL))
    assert cluster.name == "dop368"
    assert str(cluster) == "Cluster: dop368"
    assert cluster.keylist == ["ClusterName", "Compute.Nodes", "Compute.LocalDisks", "Head.Nodes"]
    assert get_compute_nodes(cluster) == ["dop01", "dop02", "dop03", "node009", "node010", "node011", "x"]
    assert get_head_node(cluster) == ["dop368"]
    assert cluster.get("Compute.LocalDisks") == ["/data", "/scratch"]
    assert cluster.get("Compute.Nodes")[-2:] == ["x", "x"]
    assert cluster.get("ClusterName") == ["dop368"]
    assert cluster.slots == {}


def test_subclusters_are_sought_beside_their_file_and_their_values_follow(put, tmp_path, monkeypatch):
    put("ClusterName = deep\nCompute.Nodes = [d1]\nDeep.Key = 5\n", "sub/deeper/deep.clusterdesc")
    put("ClusterName=sub\nCompute.Nodes=[s1,s2]\nSubClusters=[deeper/deep.clusterdesc]\n", "sub/sub.clusterdesc")
    cluster = ClusterDesc(put("ClusterName=top\nCompute.Nodes=[t1]\nSubClusters=[sub/sub.clusterdesc]\n"))
    assert [each.name for each in cluster.subclusters] == ["sub"]
    assert get_compute_nodes(cluster) == ["t1", "s1", "s2", "d1"]
    assert cluster.get("Compute.Nodes", recursive=False) == ["t1"]
    assert cluster.get("Deep.Key") == ["5"]
    assert cluster.keys() == ["ClusterName", "Compute.Nodes", "SubClusters"]
    assert cluster.keys(recursive=True) == ["ClusterName", "Compute.Nodes", "SubClusters", "Deep.Key"]
    with pytest.raises(ClusterError, match=r"the cluster top has no Deep\.Key; it has ClusterName"):
        cluster.get("Deep.Key", recursive=False)
    monkeypatch.chdir(tmp_path)
    assert get_compute_nodes(ClusterDesc("it.clusterdesc")) == ["t1", "s1", "s2", "d1"]


def test_a_cluster_of_subclusters_only(put):
    put("a1\na2 slots=3\n", "a.hosts")
    put("b1 slots=2\n", "b.hosts")
    cluster = ClusterDesc(put("ClusterName = both\nSubClusters = [a.hosts, b.hosts]\n"))
    assert get_compute_nodes(cluster) == ["a1", "a2", "b1"]
    assert cluster.slots == {"a2": 3, "b1": 2}


def test_a_cluster_that_contains_itself_is_named_with_the_whole_circle(put, tmp_path):
    put("ClusterName = b\nSubClusters = [it.clusterdesc]\n", "b.clusterdesc")
    with pytest.raises(ClusterError, match="contains itself") as caught:
        ClusterDesc(put("ClusterName = a\nSubClusters = [b.clusterdesc]\n"))
    circle = f"{tmp_path}/it.clusterdesc -> {tmp_path}/b.clusterdesc -> {tmp_path}/it.clusterdesc"
    assert circle in str(caught.value)
    assert f"(a subcluster in {tmp_path}/b.clusterdesc, line 2)" in str(caught.value)


def test_a_subcluster_that_is_named_in_many_places_is_read_once(put):
    """Else fifty small files would be read 2 ** 49 times."""
    put("h1 slots=2\n", "n0")
    for level in range(1, 49):
        below = f"n{level - 1}"
        put(f"ClusterName = {level}\nSubClusters = [{below}, {below}]\n", f"n{level}")
    cluster = ClusterDesc(put("ClusterName = top\nSubClusters = [n48, n48]\n"))
    assert get_compute_nodes(cluster) == ["h1"]
    assert cluster.slots == {"h1": 2}


def test_a_list_of_hosts(put):
    text = (
        "# ours\nalpha slots=4\nbeta slots = 2 # two\n\nnode[08..10] slots=1\ngamma:3\n::1\n10.0.0.7\nalpha slots=1\n"
    )
    cluster = ClusterDesc(put(text, "lab.hosts"))
    assert cluster.name == "lab"
    assert cluster.keylist == ["Compute.Nodes"]
    hosts = ["alpha", "beta", "node08", "node09", "node10", "gamma", "::1", "10.0.0.7"]
    assert get_compute_nodes(cluster) == hosts
    assert cluster.slots == {"alpha": 5, "beta": 2, "node08": 1, "node09": 1, "node10": 1, "gamma": 3}
    with pytest.raises(ClusterError, match=r"lab\.hosts: the cluster lab has no Head\.Nodes; it has Compute\.Nodes"):
        get_head_node(cluster)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no host"),
        ("# nothing\n\n", "names no host"),
        ("Compute.Nodes = [a]\n", "there is no ClusterName"),
        ("ClusterName = a\nCompute.Nodes [a]\n", "line 2: 'Compute.Nodes [a]' is no parameter; one is: key = value"),
        ("ClusterName = a\nCompute.Nodes = [a\n", "line 2: a bracket is opened that is never closed"),
        ("ClusterName = a\nX = 'a\n", "line 2: the quote ' is not closed"),
        ("ClusterName = a\n\nX = 1\nX = 2\n", "line 4: X is there already, in line 3"),
        ("ClusterName = a\nmy key = 2\n", "line 2: 'my key' cannot be the key of a parameter"),
        ("alpha\nbeta slots=many\n", "line 2: 'slots=many' is not understood; behind a host may be slots=NUMBER"),
        ("alpha\nbeta --oops\n", "line 2: '--oops' is not understood"),
        ("alpha slots=0\n", "line 1: a host has one slot or more"),
        ("-oevil\n", "line 1: '-oevil' cannot be the name of a host"),
        ("node[1..3\n", "line 1: 'node[1' cannot be the name of a host"),
        ("node1,node2\n", "line 1: 'node1,node2' cannot be the name of a host"),
        ("node1..x9\n", "line 1: 'node1..x9' is no range; one is node001..9"),
        ("ClusterName = a\nSubClusters = [gone]\n", "gone cannot be read: No such file or directory (a subcluster in "),
    ],
)
def test_what_makes_no_sense_is_named_with_file_and_line(put, text, words):
    path = put(text)
    with pytest.raises(ClusterError) as caught:
        ClusterDesc(path)
    assert words in str(caught.value)
    assert path in str(caught.value)


@pytest.mark.parametrize("host", ["-x", "a b", "a\tb", "\x07", "", "a[1", "a,b", "2*a"])
def test_names_that_no_host_can_have(put, host):
    cluster = ClusterDesc(put(f"ClusterName = a\nCompute.Nodes = [fine, '{host}']\n"))
    with pytest.raises(ClusterError, match=re.escape(f"Compute.Nodes: {host!r} cannot be the name of a host")):
        get_compute_nodes(cluster)


@pytest.mark.parametrize("value", ["[a,,b]", "[node1..999999999]", "[a[1..2]b[1..999999]]", "[500000*x]", "[(a]"])
def test_a_value_that_makes_no_sense_is_named_when_it_is_asked_for(put, value):
    cluster = ClusterDesc(put(f"ClusterName = a\nCompute.Nodes = {value}\n"))
    with pytest.raises(ClusterError, match=r"it\.clusterdesc, line 2, Compute\.Nodes: "):
        get_compute_nodes(cluster)


def test_files_that_are_no_text_or_not_there(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"alpha\nb\xffta\n")
    with pytest.raises(ClusterError, match="x, line 2: the file is no text in UTF-8"):
        ClusterDesc(path)
    with pytest.raises(ClusterError, match="y cannot be read: No such file"):
        ClusterDesc(tmp_path / "y")
    with pytest.raises(ClusterError, match="cannot be read: Is a directory"):
        ClusterDesc(tmp_path)


def test_the_error_survives_pickling():
    error = pickle.loads(pickle.dumps(ClusterError("x, line 2: no")))
    assert (type(error), str(error)) == (ClusterError, "x, line 2: no")
