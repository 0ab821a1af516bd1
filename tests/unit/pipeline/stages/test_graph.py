import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gangline.pipeline.ruffus_exceptions import error_circular_dependencies
from gangline.pipeline.stages.graph import connect


class Node:
    def __init__(self, name):
        self.name = name
        self.parents = []

    def __repr__(self):
        return self.name


@st.composite
def graphs(draw):
    nodes = [Node(f"n{number}") for number in range(draw(st.integers(1, 8)))]
    for later, node in enumerate(nodes):
        node.parents = draw(st.lists(st.sampled_from(nodes[:later]), unique=True)) if later else []
    return nodes


def some(nodes):
    return st.lists(st.sampled_from(nodes), unique=True)


def ancestors(node):
    return {node}.union(*(ancestors(parent) for parent in node.parents))


@given(st.data())
def test_order_has_every_ancestor_once_after_its_parents(data):
    nodes = data.draw(graphs())
    targets = data.draw(some(nodes))
    order = connect(targets).order
    assert set(order) == set().union(*map(ancestors, targets))
    assert len(set(order)) == len(order)
    assert all(order.index(parent) < order.index(node) for node in order for parent in node.parents)


@given(st.data())
def test_all_stale_stages_and_what_builds_on_them_must_run(data):
    nodes = data.draw(graphs())
    targets, forced, fresh = (data.draw(some(nodes)) for _ in range(3))
    asked = []

    def is_fresh(node):
        asked.append(node)
        return node in fresh

    graph = connect(targets)
    needed = graph.needed(forced, is_fresh)
    causes = {node for node in graph.order if node not in fresh or node in forced}
    assert needed == [node for node in graph.order if ancestors(node) & causes]
    assert len(asked) == len(set(asked))


@given(st.data())
def test_the_minimal_walk_ends_at_fresh_stages(data):
    nodes = data.draw(graphs())
    targets, forced, fresh = (data.draw(some(nodes)) for _ in range(3))
    graph = connect(targets)
    below_forced = {node for node in nodes if ancestors(node) & set(forced) & set(graph.order)}

    def reach(node):
        if node in fresh and node not in below_forced:
            return set()
        return {node}.union(*map(reach, node.parents))

    needed = graph.needed(forced, fresh.__contains__, maximal_rebuild=False)
    assert needed == [node for node in graph.order if node in set().union(*map(reach, targets))]


@given(st.data())
def test_a_circle_is_found_with_exactly_its_stages(data):
    nodes = data.draw(graphs())
    last, first = data.draw(st.sampled_from(nodes)), data.draw(st.sampled_from(nodes))
    circle = {node for node in nodes if first in ancestors(node) and node in ancestors(last)}
    first.parents = [*first.parents, last]
    if not circle:
        connect(nodes)
        return
    with pytest.raises(error_circular_dependencies) as raised:
        connect(nodes)
    named = str(raised.value).partition("one or more of (")[2].rpartition(")")[0]
    assert set(named.split(", ")) == {node.name for node in circle}


def test_a_chain_may_be_longer_than_the_call_stack():
    nodes = [Node(str(number)) for number in range(5000)]
    for before, after in itertools.pairwise(nodes):
        after.parents = [before]
    graph = connect(nodes[-1:])
    assert list(graph.order) == nodes
    assert graph.needed(nodes[4990:4991], lambda node: True) == nodes[4990:]
    assert graph.needed([], lambda node: node is nodes[10], maximal_rebuild=False) == nodes[11:]
