"""The picture of a workflow: steps in rows, each below all that it waits for, drawn by the server.

The layout is our own: of the libraries that place layers, those without system packages or the GPL lose bends,
panic on faults that a draft may have, or need seconds for a thousand steps (docs/adr/0005-own-layered-layout.md).
"""

from releaseapp.workflows.graph.picture import Edge, Graph, Node, draw

__all__ = ["Edge", "Graph", "Node", "draw"]
