"""``text.slug``: makes a name for addresses and files out of a text."""

import re
import unicodedata
from typing import Annotated

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, Done, Preset, StepFailed, StepType


# The first line of the docstring is the type's help; each field's description stands beside it in the editor.
class Slug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Makes a short name in lower case, such as release-notes, out of a text."""

    text: Annotated[str, Meta(max_length=1000, description="Any text, such as a title.")]
    separator: Annotated[str, Meta(pattern=r"^[-_.]$", description="Stands between words.")] = "-"
    max_length: Annotated[int, Meta(ge=1, le=200, description="The longest name; whole words are left out.")] = 60


def run(config: Slug, context: Context) -> Done:
    """The name, which fails when nothing of the text can stand in one."""
    plain = unicodedata.normalize("NFKD", config.text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    if not words:
        # The same text would fail again, so another attempt is of no use.
        raise StepFailed(f"Nothing of {config.text[:80]!r} can stand in a name.", retryable=False)
    name = words[0][: config.max_length]
    for word in words[1:]:
        longer = f"{name}{config.separator}{word}"
        if len(longer) > config.max_length:
            context.log(f"Left out from {word!r} on.")
            break
        name = longer
    return Done({"slug": name})


TYPE = StepType(
    title="Slug",
    icon="edit",
    config=Slug,
    run=run,
    output={"slug": "release-notes"},
    presets=(Preset("From a title", {"text": "{{ inputs.title }}"}),),
)
