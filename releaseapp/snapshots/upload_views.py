"""Snapshots that come in over HTTP, part by part, as tus 1.0 does it (https://tus.io/protocols/resumable-upload)."""

import re
from contextlib import suppress

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import Invalid, NotFound, UnsupportedMediaType
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.operations.service import Report
from releaseapp.snapshots.resources import UploadNode, Uploads, snapshots_of
from releaseapp.snapshots.uploads import (
    Upload,
    append_part,
    begin_upload,
    end_upload,
    file_of,
    find_upload,
    list_uploads,
)
from releaseapp.snapshots.work import Ended, importing
from releaseapp.web.answers import json_answer, no_content
from releaseapp.web.bodies import raw
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.views import OPERATOR, api, page

_PART = "application/offset+octet-stream"
_NUMBER = re.compile(r"[0-9]{1,15}")


@api(Uploads, OPERATOR, "POST")
def begin(_context: Uploads, request: Request) -> Response:
    """Begins an upload of ``Upload-Length`` bytes (201); ``part_bytes`` is the most that one part may have."""
    settings = snapshots_of(request).settings
    upload = begin_upload(settings, _number(request, "Upload-Length"))
    said = {"id": upload.id, "length": upload.length, "offset": 0, "part_bytes": settings.max_body_bytes}
    return _told(json_answer(said, 201, location=f"/release/snapshots/uploads/{upload.id}"), upload)


@api(Uploads, OPERATOR)
def list_all(_context: Uploads, request: Request) -> Response:
    """Those under way, and what nobody has gone on with for up to a day."""
    return json_answer({"items": list_uploads(snapshots_of(request).settings)})


@api(UploadNode, OPERATOR)
def show(context: UploadNode, request: Request) -> Response:
    """How far it is: where the next part begins."""
    upload = find_upload(snapshots_of(request).settings, context.__name__)
    return _told(json_answer(upload), upload)


@api(UploadNode, OPERATOR, "PATCH")
def go_on(context: UploadNode, request: Request) -> Response:
    """Takes the part that begins at ``Upload-Offset``; 409 when the file ends elsewhere."""
    if request.content_type != _PART:
        raise UnsupportedMediaType(f"The body is {request.content_type or 'of no kind'}; send {_PART}.")
    offset = _number(request, "Upload-Offset")
    upload = append_part(snapshots_of(request).settings, context.__name__, offset, raw(request))
    return _told(no_content(), upload)


@api(UploadNode, OPERATOR, "DELETE")
def end(context: UploadNode, request: Request) -> Response:
    """Forgets it, and what is here of it."""
    end_upload(snapshots_of(request).settings, context.__name__)
    return no_content()


@page(UploadNode, OPERATOR, "POST", name="delete")
def end_on_page(context: UploadNode, request: Request) -> Response:
    """Forgets it, and what is here of it."""
    end_upload(snapshots_of(request).settings, context.__name__)
    say(request, "What had come in of it is deleted.")
    return HTTPSeeOther("/release/snapshots")


@api(UploadNode, OPERATOR, "POST", name="import")
def take_in(context: UploadNode, request: Request) -> Response:
    """Begins to take in the snapshot of a file that is whole (202); what is refused may be tried again for a day."""
    s, upload_id = snapshots_of(request), context.__name__
    file = file_of(s.settings, upload_id)

    def work(report: Report) -> Ended:
        ended = importing(s, report, file)
        # Who deleted the upload meanwhile deleted what nobody needs any more.
        with suppress(NotFound):
            end_upload(s.settings, upload_id)
        return ended

    begun = operations.start_in_thread(request.db, Kind.IMPORT, request.identity.account.id, work)
    return json_answer(begun, 202, location="/release/operations")


def _number(request: Request, name: str) -> int:
    said = request.headers.get(name, "")
    if not _NUMBER.fullmatch(said):
        raise Invalid.at(f"/{name}", f"{name} is missing, or no number of bytes.")
    return int(said)


def _told(answer: Response, upload: Upload) -> Response:
    answer.headers.update(
        {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(upload.offset),
            "Upload-Length": str(upload.length),
            "Cache-Control": "no-store",
        }
    )
    return answer
