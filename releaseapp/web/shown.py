"""Pages, and the fragments of them that live pages fetch again."""

import re
from typing import Any

from pyramid.renderers import render_to_response
from pyramid.response import Response

from releaseapp.web.request import Request

_NAME = re.compile(r"[a-z_]{1,40}")


def show(request: Request, template: str, fragments: tuple[str, ...] = (), **values: Any) -> Response:
    """The page ``template`` (``agents/show``), or with ``?fragment=name`` its partial ``agents/_name``.

    Only the named ``fragments`` can be asked for; any other name gets the page.
    """
    wanted = request.GET.get("fragment", "")
    if wanted in fragments and _NAME.fullmatch(wanted):
        folder = template.rpartition("/")[0]
        template = f"{folder}/_{wanted}"
    return render_to_response(f"{template}.html.jinja2", values, request, response=request.response)
