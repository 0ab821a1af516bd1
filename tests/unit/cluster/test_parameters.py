"""Files of parameters in LOFAR's manner."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gangline.cluster.parameters import ParameterError, expand, parse_parameters, split, unquoted


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("node001..9", [f"node00{n}" for n in range(1, 10)]),
        ("node[001..003]", ["node001", "node002", "node003"]),
        ("node{8..10}", ["node8", "node9", "node10"]),
        ("node08..10", ["node08", "node09", "node10"]),
        ("node1..node3", ["node1", "node2", "node3"]),
        ("3..1", ["3", "2", "1"]),
        ("rack[1..2]n[1,3..4]", ["rack1n1", "rack1n3", "rack1n4", "rack2n1", "rack2n3", "rack2n4"]),
        ("SB00..2_x.MS", ["SB00_x.MS", "SB01_x.MS", "SB02_x.MS"]),
        ("3*name", ["name"] * 3),
        ("2*(a,b1..2)", ["a", "b1", "b2"] * 2),
        ("'3*name'", ["3*name"]),
        ('"a1..3"', ["a1..3"]),
        ("plain", ["plain"]),
        ("../up/file", ["../up/file"]),
        ("a*b", ["a*b"]),
        ("*", ["*"]),
    ],
)
def test_short_forms(text, values):
    assert expand(text) == values


@pytest.mark.parametrize("text", ["a1..999999", "1000000*x", "999*(1..999)", "a[1..400]b[1..400]"])
def test_a_short_form_for_too_much(text):
    with pytest.raises(ParameterError, match="stands for more than 100000 values"):
        expand(text)


@pytest.mark.parametrize("text", [f"a1..{'9' * 500}", "0*x", "9000*(9000*(9000*(0*x)))"])
def test_short_forms_that_make_no_sense(text):
    with pytest.raises(ParameterError):
        expand(text)


def test_a_long_text_is_itself():
    assert expand("9" * 10_000) == ["9" * 10_000]
    assert expand(f"'{'a1..2' * 10_000}'") == ["a1..2" * 10_000]


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("[]", []),
        ("", []),
        ("a", ["a"]),
        ("[a, b ,c]", ["a", "b", "c"]),
        ("['a, b', \"c]\"]", ["'a, b'", '"c]"']),
        ("[[1,2],[3]]", ["[1,2]", "[3]"]),
        ("[n[1..2],2*(a,b)]", ["n[1..2]", "2*(a,b)"]),
        ("[it's, fine]", ["it's", "fine"]),
    ],
)
def test_vectors(text, elements):
    assert split(text) == elements


@pytest.mark.parametrize("text", ["[a", "[a,]", "[a)]", "['a]", "[(a]"])
def test_vectors_that_are_none(text):
    with pytest.raises(ParameterError):
        split(text)


def test_unquoted():
    assert [unquoted(text) for text in ("'a b'", '"a"', "a", " 'a' ", "'a' + 'b'", "'")] == [
        "a b", "a", "a", "a", "'a' + 'b'", "'",
    ]  # fmt: skip


def test_a_value_goes_on_after_a_backslash_and_an_open_bracket():
    text = "a = 1 \\\n  2\nb = [x, # first\n # none\n y]\nc.d='#' # no comment\ne=a=b\nf=\nlast = \\"
    entries = parse_parameters(text, "it")
    assert {key: (entry.value, entry.line) for key, entry in entries.items()} == {
        "a": ("1 2", 1), "b": ("[x, y]", 3), "c.d": ("'#'", 6), "e": ("a=b", 7), "f": ("", 8), "last": ("", 9),
    }  # fmt: skip


@given(st.text(st.sampled_from("ab19[](){}'\"=,.*#\\\n ")) | st.text())
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ParameterError):
        for entry in parse_parameters(text, "it").values():
            for element in split(entry.value):
                expand(element)
