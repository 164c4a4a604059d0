"""Whether the definitions of a file will do; what may run is checked whole, what is history only as to its shape."""

from collections.abc import Iterator
from typing import Any

import msgspec

from releaseapp.errors import Fault, Invalid
from releaseapp.web.bodies import fit
from releaseapp.workflows.definition import (
    LARGEST_DEFINITION_BYTES,
    Definition,
    Step,
    check,
    parts_of,
    without_own_keys,
)
from releaseapp.workflows.models import VersionStatus
from releaseapp.workflows.transfer.bundle import BundledVersion
from releaseapp.workflows.transfer.reading import Limits

_EFFORT_OF_ANY = 10
_CHARACTERS_A_UNIT = 40
_TOO_MUCH = (
    "The file holds too many expressions and inputs to be checked at once; "
    "import fewer workflows at a time, or with 'releaseapp workflows import'."
)
_EFFORT_OF_A_SCHEMA = 3
_EFFORT_OF_A_TEXT = 2


class Checker:
    """Checks the definitions of one file: each different one once, and no more than the limits allow."""

    def __init__(self, limits: Limits) -> None:
        self._effort = limits.effort
        self._known: dict[bytes, list[Fault]] = {}

    def faults_of(self, version: BundledVersion, here: str) -> list[Fault]:
        """What is wrong with a version's definition, by pointers that begin with ``here``.

        An archived one may hold what was right when it was written and is not
        any more. Raises Invalid when checking the file would take too long.
        """
        value = version.definition
        text = msgspec.json.encode(value)
        if len(text) > LARGEST_DEFINITION_BYTES:
            return [Fault(here, f"The definition is larger than {LARGEST_DEFINITION_BYTES:,} bytes of JSON.")]
        if not isinstance(value.get("name"), str) or not value["name"].strip():
            return [Fault(f"{here}/name", "name must be a text that is not blank.")]
        if version.status is VersionStatus.ARCHIVED:
            found = list(_faults_of_shape(value))
        elif text in self._known:
            found = self._known[text]
        else:
            self._spend(value)
            found = self._known[text] = check(value)
        return [Fault(here + fault.pointer, fault.detail) for fault in found]

    def _spend(self, definition: dict[str, Any]) -> None:
        self._effort -= _EFFORT_OF_ANY + effort_of(definition)
        if self._effort < 0:
            raise Invalid.at("", _TOO_MUCH)


def effort_of(definition: dict[str, Any]) -> int:
    """About how long a definition takes to check, in fifths of a millisecond, found out quickly."""
    schemas = sum(_EFFORT_OF_A_SCHEMA for part in parts_of(definition.get("inputs")) if not isinstance(part, str))
    texts = (part for part in parts_of(definition) if isinstance(part, str) and "{" in part)
    return schemas + sum(_EFFORT_OF_A_TEXT + len(text) // _CHARACTERS_A_UNIT for text in texts)


def _faults_of_shape(value: dict[str, Any]) -> Iterator[Fault]:
    try:
        definition = fit(without_own_keys(value), Definition)
    except Invalid as error:
        yield from error.faults
        return
    for number, step in enumerate(definition.steps):
        try:
            fit(without_own_keys(step), Step)
        except Invalid as error:
            yield from (Fault(f"/steps/{number}{fault.pointer}", fault.detail) for fault in error.faults)
