"""The picture of any workflow: nothing overlaps, nothing is lost, everything lies in the box."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from releaseapp.workflows.graph import draw


@st.composite
def without_cycles(draw_from):
    count = draw_from(st.integers(0, 25))
    steps = []
    for number in range(count):
        needs = draw_from(st.lists(st.integers(0, number - 1), max_size=4, unique=True)) if number else []
        steps.append({"id": f"s{number}", "type": "delay", "needs": [f"s{one}" for one in needs]})
    return {"steps": draw_from(st.permutations(steps))}


ids = st.sampled_from(["a", "b", "c", "d", "e", "", "gone", None, 7])
anything = st.fixed_dictionaries(
    {"steps": st.lists(st.fixed_dictionaries({"id": ids}, optional={"needs": st.lists(ids) | ids}), max_size=12)}
)


def overlap(one, other):
    return abs(one.x - other.x) < one.width and abs(one.y - other.y) < one.height


def check_places(graph):
    for node in graph.nodes:
        assert 0 <= node.x <= node.x + node.width <= graph.width
        assert 0 <= node.y <= node.y + node.height <= graph.height
    assert not any(overlap(one, other) for one, other in itertools.combinations(graph.nodes, 2))
    for edge in graph.edges:
        assert all(0 <= x <= graph.width and 0 <= y <= graph.height for x, y in edge.points)


@given(without_cycles())
def test_every_line_leads_down_and_passes_no_step(definition):
    graph = draw(definition)
    check_places(graph)
    wanted = {(need, step["id"]) for step in definition["steps"] for need in step["needs"]}
    assert {(graph.nodes[edge.source].key, graph.nodes[edge.target].key) for edge in graph.edges} == wanted
    for edge in graph.edges:
        source, target = graph.nodes[edge.source], graph.nodes[edge.target]
        assert source.row < target.row
        assert source.number < target.number
        assert edge.points[0] == (source.x + source.width // 2, source.y + source.height)
        assert edge.points[-1] == (target.x + target.width // 2, target.y)
        for node in graph.nodes:
            for (x, y), (to_x, to_y) in itertools.pairwise(edge.points):
                beside_in_height = y >= node.y + node.height or to_y <= node.y
                assert beside_in_height or (x == to_x and not node.x <= x <= node.x + node.width)


@given(anything)
def test_whatever_is_linked_how_ever_everything_is_there_once(definition):
    graph = draw(definition)
    check_places(graph)
    assert [node.number for node in graph.nodes] == list(range(len(definition["steps"])))
    assert {node.place for node in graph.nodes} == set(range(len(definition["steps"])))
    assert len({node.key for node in graph.nodes}) == len(graph.nodes)
    for edge in graph.edges:
        if edge.kind == "needs":
            assert graph.nodes[edge.source].row < graph.nodes[edge.target].row


@given(without_cycles() | anything)
def test_the_same_definition_is_drawn_the_same(definition):
    assert draw(definition) == draw(definition)


@given(without_cycles())
def test_arrow_keys_reach_every_step(definition):
    graph = draw(definition)
    reached, waiting = set(), [0] if graph.nodes else []
    while waiting:
        number = waiting.pop()
        if number not in reached:
            reached.add(number)
            beside = graph.nodes[number].beside
            waiting += [one for one in (beside.up, beside.down, beside.left, beside.right) if one is not None]
    assert reached == set(range(len(graph.nodes)))
