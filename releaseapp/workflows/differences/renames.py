"""What is different only because a step has another id."""

import re
from collections.abc import Mapping

import msgspec

from releaseapp.workflows.differences.models import FieldChange

_READ = re.compile(r"""(\bsteps\s*(?:\.\s*|\[\s*['"]))(?P<id>\w+)""")


def marked(field: FieldChange, new_ids: Mapping[str, str]) -> FieldChange:
    """The change, marked when it is the text before with new ids where it read steps by their old ones."""
    if not new_ids or not isinstance(field.before, str) or not isinstance(field.after, str):
        return field
    expected = _READ.sub(lambda read: read[1] + new_ids.get(read["id"], read["id"]), field.before)
    return msgspec.structs.replace(field, follows_rename=True) if expected == field.after else field
