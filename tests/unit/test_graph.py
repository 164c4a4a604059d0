"""The picture of a workflow: what is drawn, and where."""

import itertools
import time
import xml.etree.ElementTree as ET

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from releaseapp.pages import templates_folder
from releaseapp.workflows.graph import draw
from releaseapp.workflows.graph.labels import shortened, width_of
from releaseapp.workflows.templates import DEMO
from releaseapp.workflows.yaml_text import load

SVG = "{http://www.w3.org/2000/svg}"


def step(step_id, *needs, **more):
    return {"id": step_id, "type": "transform", "config": {"value": 1}, "needs": list(needs), **more}


def picture(*steps, **options):
    return draw({"name": "W", "steps": list(steps)}, **options)


def named(graph):
    return {node.key: node for node in graph.nodes}


def lines(graph):
    """The edges as pairs of ids, with their kind."""
    ids = [node.key for node in graph.nodes]
    return {(None if edge.source is None else ids[edge.source], ids[edge.target], edge.kind) for edge in graph.edges}


def middle(node):
    return node.x + node.width // 2


def passes(edge, node):
    """Whether a part of the line lies inside the node; curves lie between the rows, so their ends are enough."""
    return any(
        min(y, to_y) < node.y + node.height
        and max(y, to_y) > node.y
        and min(x, to_x) < node.x + node.width
        and max(x, to_x) > node.x
        for (x, y), (to_x, to_y) in itertools.pairwise(edge.points)
        if not (y >= node.y + node.height or to_y <= node.y)
    )


def render(graph, prefix="#step-", selected=""):
    environment = Environment(
        loader=FileSystemLoader(templates_folder()),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    source = (
        '{% from "workflows/_graph.html.jinja2" import workflow_graph with context %}'
        "{{ workflow_graph(graph, prefix, selected=selected) }}"
    )
    return environment.from_string(source).render(
        graph=graph, prefix=prefix, selected=selected, static=lambda path: f"/static/{path}"
    )


def links(html):
    return ET.fromstring(html).findall(".//a")


def test_steps_without_needs_are_a_straight_chain():
    graph = draw({"steps": [{"id": name, "type": "delay"} for name in "abc"]})
    assert lines(graph) == {("a", "b", "needs"), ("b", "c", "needs")}
    assert len({node.x for node in graph.nodes}) == 1
    assert [node.key for node in graph.nodes] == ["a", "b", "c"]
    assert [node.y for node in graph.nodes] == sorted({node.y for node in graph.nodes})
    assert all(edge.path.count("C") == 0 for edge in graph.edges)


def test_a_diamond_is_even():
    graph = picture(step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))
    a, b, c, d = (named(graph)[name] for name in "abcd")
    assert a.y < b.y == c.y < d.y
    assert a.x == d.x
    assert middle(a) - middle(b) == middle(c) - middle(a) > 0


def test_a_long_line_passes_no_step_and_leaves_the_chain_straight():
    graph = picture(step("a"), step("b", "a"), step("c", "b"), step("d", "c"), step("e", "a", "d"))
    assert len({node.x for node in graph.nodes}) == 1
    long = next(edge for edge in graph.edges if edge.source == 0 and edge.target == 4)
    assert not any(passes(long, node) for node in graph.nodes)
    assert long.path.count("C") == 2


def test_a_row_that_could_be_without_crossings_has_none():
    graph = picture(step("a"), step("b"), step("c"), step("z", "c"), step("y", "b"), step("x", "a"))
    upper, lower = ([node.key for node in graph.nodes if node.row == row] for row in (0, 1))
    assert ["zyx"["cba".index(name)] for name in upper] == lower


def test_conditions_and_lists_are_marked_and_said():
    graph = picture(step("a"), step("b", "a", name="Tell", when="{{ inputs.x }}", for_each=[]))
    b = named(graph)["b"]
    assert b.conditional
    assert b.repeated
    assert b.summary == "Tell, Transform, after a, on a condition, for each item of a list"
    assert not named(graph)["a"].conditional


def test_what_a_step_waits_for_is_said_shortly():
    graph = picture(*(step(name) for name in "abcde"), step("z", *"abcde", name="Make the digest"))
    assert named(graph)["z"].summary == "Make the digest, Transform, after a, b, c and 2 more"


def test_a_cycle_is_drawn_and_its_closing_line_marked():
    graph = picture(step("a", "c"), step("b", "a"), step("c", "b"))
    assert lines(graph) == {("a", "b", "needs"), ("b", "c", "needs"), ("c", "a", "cycle")}
    closing = next(edge for edge in graph.edges if edge.kind == "cycle")
    assert closing.points[0][1] > closing.points[-1][1]
    assert named(graph)["a"].summary == "a, Transform, after c, in a circle"


def test_a_step_that_needs_itself_has_a_loop():
    graph = picture(step("a", "a"), step("b", "a"))
    assert lines(graph) == {("a", "a", "cycle"), ("a", "b", "needs")}


def test_a_need_that_is_not_there_is_a_stub():
    graph = picture(step("a", "ghost"), step("b", "a"))
    assert lines(graph) == {(None, "a", "unknown"), ("a", "b", "needs")}
    stub = next(edge for edge in graph.edges if edge.kind == "unknown")
    assert all(0 <= y <= graph.height for _, y in stub.points)
    assert named(graph)["a"].summary == "a, Transform, after ghost, which is not there"


def test_of_steps_with_one_id_the_nearest_before_is_meant():
    graph = draw({"steps": [{"id": "a"}, {"id": "a"}, {"id": "b", "needs": ["a"]}, {"id": "c", "needs": ["a"]}]})
    assert lines(graph) == {("a", "a-2", "needs"), ("a-2", "b", "needs"), ("a-2", "c", "needs")}
    page = render(graph)
    assert len({link.get("id") for link in links(page)}) == 4


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"steps": None},
        {"steps": []},
        {"steps": ["not a step", None, {}]},
        {"steps": [{"id": 5, "type": [], "name": {}, "needs": "a"}, {"id": "b", "needs": [None, {}, "b-3"]}]},
        {"steps": [{"id": ""}, {"id": "a-3"}, {"id": "a"}, {"id": "a"}, {"id": "a-4"}]},
    ],
)
def test_whatever_stands_in_a_draft_is_drawn(definition):
    graph = draw(definition)
    assert len(graph.nodes) == len(definition.get("steps") or [])
    assert len(links(render(graph))) == len({node.key for node in graph.nodes}) == len(graph.nodes)


def test_hostile_words_stay_words():
    evil = "</title></svg><script>alert(1)</script>\"' onload=x &amp;"
    page = render(picture(step('a"><script>', name=evil, type="<b>")), selected=evil)
    assert "<script" not in page
    assert "<b>" not in page
    (link,) = links(page)
    assert link.get("aria-label").startswith(evil)
    assert link.get("href") == "#step-a%22%3E%3Cscript%3E"
    assert set(link.keys()) == {"class", "id", "href", "aria-label", "data-node"}


def test_words_that_turn_or_break_the_line_do_not():
    (node,) = picture(step("a", name="one\n\ttwo\u202ethree\u2066")).nodes
    assert node.label == "one twothree"


def test_a_long_name_is_shortened_to_what_fits_and_whole_in_the_link():
    name = "Gather everything that anybody has ever said about it"
    (node,) = picture(step("a", name=name)).nodes
    assert node.text.endswith("…")
    assert sum(map(width_of, node.text[:-1])) * 13 + 13 <= 138
    (link,) = links(render(picture(step("a", name=name))))
    assert link.get("aria-label").startswith(name)
    assert link.findtext("title") == name


def test_broad_characters_take_more_room():
    assert shortened("日" * 10, 70, 13) == "日日日日…"
    assert shortened("i" * 10, 70, 13) == "i" * 10


def test_the_same_definition_gives_the_same_bytes():
    definition = load(DEMO["aurora"][0])[0]
    assert render(draw(definition)) == render(draw(definition))


def test_arrow_keys_lead_along_lines_and_else_to_the_nearest():
    graph = picture(step("a"), step("b", "a"), step("c", "a"), step("d", "b"))
    a, b, c, d = (named(graph)[name] for name in "abcd")
    assert (b.beside.left, b.beside.right, b.beside.up, b.beside.down) == (None, c.number, a.number, d.number)
    assert (c.beside.left, c.beside.down) == (b.number, d.number)
    assert (a.beside.up, a.beside.down) == (None, b.number)


def test_links_go_where_the_page_says_and_the_open_step_is_marked():
    page = render(picture(step("a"), step("b", "a")), prefix="?step=", selected="b")
    assert [(link.get("href"), link.get("aria-current")) for link in links(page)] == [
        ("?step=a", None),
        ("?step=b", "step"),
    ]


def test_the_state_of_a_step_is_a_word_and_an_icon_of_its_own():
    seen = set()
    for state in ("pending", "running", "waiting", "succeeded", "failed", "skipped", "cancelled"):
        (link,) = links(render(picture(step("a"), states={"a": state})))
        texts = [text.text for text in link.iter("text")]
        assert texts == ["a", state.capitalize()]
        assert f"state-{state}" in link.get("class").split()
        assert link.get("aria-label") == f"a, Transform, {state}"
        seen.add(next(link.iter("use")).get("href"))
    assert len(seen) == 7


def big(needs):
    return {"steps": [step(f"s{number}", *(f"s{one}" for one in of)) for number, of in enumerate(needs)]}


@pytest.mark.parametrize(
    "needs",
    [
        pytest.param([[number - 1] if number else [] for number in range(1000)], id="chain"),
        pytest.param([[]] + [[0]] * 998 + [list(range(1, 999))], id="fan out and in"),
        pytest.param([[]] + [[0, number - 1] for number in range(1, 1000)], id="all after the first"),
        pytest.param([[(number - 1) % 1000] for number in range(1000)], id="one ring"),
        pytest.param([list(range(max(0, number - 50), number)) for number in range(1000)], id="each after fifty"),
    ],
)
def test_a_thousand_steps_are_drawn_soon(needs):
    definition = big(needs)
    begun = time.process_time()
    graph = draw(definition)
    # Measured at about 0.1 s for the first four; the bound leaves room for a slow machine.
    assert time.process_time() - begun < 2
    assert len(graph.nodes) == 1000
    assert len(graph.edges) + graph.left_out == sum(len(set(of)) for of in needs)
    assert len(graph.edges) <= 3000
    assert all(len(edge.points) < 3000 for edge in graph.edges)


def test_a_line_that_is_too_long_for_bends_goes_beside_the_steps():
    graph = draw(big([[]] + [[0, number - 1] for number in range(1, 1000)]))
    longest = next(edge for edge in graph.edges if edge.source == 0 and edge.target == 999)
    assert len(longest.points) == 6
    assert max(x for x, _ in longest.points) > max(node.x + node.width for node in graph.nodes)
    assert not any(passes(longest, node) for node in graph.nodes)
    assert max(x for x, _ in longest.points) < graph.width
