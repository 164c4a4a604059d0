"""The picture as data: what a template needs to draw it, and nothing that it would have to work out."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from releaseapp.steps import step_types
from releaseapp.workflows.graph import paths
from releaseapp.workflows.graph.columns import STEP_WIDTH
from releaseapp.workflows.graph.grid import STEP_HEIGHT, STUB, Grid, grid_of
from releaseapp.workflows.graph.labels import shortened
from releaseapp.workflows.graph.layers import Rows, in_rows
from releaseapp.workflows.graph.links import Links, read_links
from releaseapp.workflows.graph.neighbours import Neighbours, neighbours_of
from releaseapp.workflows.graph.order import ordered
from releaseapp.workflows.graph.paths import Point
from releaseapp.workflows.graph.words import Words, text_of, words_of

_TEXT_WIDTH, _TEXT_SIZE = 138, 13
_TITLE_WIDTH, _TITLE_SIZE = 100, 12
_STUB_INSET = 24


class EdgeKind(StrEnum):
    """Needs: the one after waits for the one before. Cycle: so it does, in a circle. Unknown: for what is not there."""

    NEEDS = "needs"
    CYCLE = "cycle"
    UNKNOWN = "unknown"


class Node(msgspec.Struct, frozen=True):
    """A step. ``text`` is as much of its label as fits; ``summary`` says all of it.

    ``number`` is its place from top to bottom and left to right, ``place`` that
    in the definition; ``key`` is its own among all, and the step's id where that
    is. ``beside`` has the numbers where arrow keys lead.
    """

    number: int
    place: int
    key: str
    step_id: str
    label: str
    text: str
    type: str
    title: str
    icon: str
    x: int
    y: int
    width: int
    height: int
    row: int
    conditional: bool
    repeated: bool
    state: str | None
    summary: str
    beside: Neighbours


class Edge(msgspec.Struct, frozen=True):
    """A line from one node to another, by their numbers; the source is None where no step has the needed id.

    ``path`` and ``head`` are SVG paths. Of edges that end in the same point
    only the first has a head.
    """

    source: int | None
    target: int
    kind: EdgeKind
    points: tuple[Point, ...]
    path: str
    head: str


class Graph(msgspec.Struct, frozen=True):
    """The picture. ``left_out`` counts edges that are not drawn because there are too many."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: int = 0


def draw(definition: Mapping[str, Any], states: Mapping[str, str] | None = None) -> Graph:
    """Draws a definition, also one with faults; ``states`` has by step id where each step of a run stands.

    The same definition always gives the same picture. Takes O(steps · log steps + needs); what is drawn of long
    links and how often rows are sorted is bounded, so a thousand steps take a fraction of a second, however linked.
    """
    found = definition.get("steps")
    steps = [step if isinstance(step, dict) else {} for step in found] if isinstance(found, list) else []
    links = read_links(steps)
    rows = in_rows(len(steps), links.links)
    present = ordered(rows)
    grid = grid_of(rows, present, {0} if any(not rows.above[step] for step in links.unknown) else set())
    drawn = [link for link in links.links if link in rows.routes or link in rows.lanes]
    beside = neighbours_of(grid, drawn)
    words = words_of(steps, links)
    nodes = tuple(_node(number, grid, steps, words, beside[number]) for number in range(len(steps)))
    if states:
        nodes = tuple(_in_state(node, states.get(node.step_id)) for node in nodes)
    return Graph(grid.width, grid.height, nodes, _edges(rows, grid, links, nodes), rows.left_out)


def _node(number: int, grid: Grid, steps: list[dict[str, Any]], words: list[Words], beside: Neighbours) -> Node:
    place = grid.order[number]
    step, told = steps[place], words[place]
    kind = text_of(step.get("type"))
    return Node(
        number=number,
        place=place,
        key=told.key,
        step_id=text_of(step.get("id")),
        label=told.label,
        text=shortened(told.label, _TEXT_WIDTH, _TEXT_SIZE),
        type=kind,
        title=shortened(told.title, _TITLE_WIDTH, _TITLE_SIZE),
        icon=step_types()[kind].icon if kind in step_types() else "alert",
        x=grid.middles[place] - STEP_WIDTH // 2,
        y=grid.tops[grid.row_of[place]],
        width=STEP_WIDTH,
        height=STEP_HEIGHT,
        row=grid.row_of[place],
        conditional=bool(step.get("when")),
        repeated=step.get("for_each") is not None,
        state=None,
        summary=told.summary,
        beside=beside,
    )


def _in_state(node: Node, state: str | None) -> Node:
    return msgspec.structs.replace(node, state=state, summary=f"{node.summary}, {state}") if state else node


def _edges(rows: Rows, grid: Grid, links: Links, nodes: Sequence[Node]) -> tuple[Edge, ...]:
    numbers = {node.place: node.number for node in nodes}
    ends: set[Point] = set()
    edges = []
    for link in links.links:
        if link.source == link.target:
            node = nodes[numbers[link.source]]
            right, top = node.x + node.width, node.y + node.height // 4
            points = [(right, top), (right, node.y + node.height - node.height // 4)]
            path, head = paths.loop(points[0], points[1]), paths.head((right + 1, points[1][1]), points[1])
        elif link in rows.routes or link in rows.lanes:
            points = grid.points(rows, link)
            path = paths.smooth(points) if link in rows.routes else paths.angular(points)
            head = "" if points[-1] in ends else paths.head(points[-2], points[-1])
        else:
            continue
        ends.add(points[-1])
        kind = EdgeKind.CYCLE if link.closes else EdgeKind.NEEDS
        edges.append(Edge(numbers[link.source], numbers[link.target], kind, tuple(points), path, head))
    for place in links.unknown:
        node = nodes[numbers[place]]
        stub = ((node.x + _STUB_INSET, node.y - STUB + 12), (node.x + _STUB_INSET, node.y))
        edges.append(Edge(None, node.number, EdgeKind.UNKNOWN, stub, paths.smooth(stub), paths.head(*stub)))
    return tuple(edges)
