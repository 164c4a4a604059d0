"""What is different in meaning between two definitions, and between the workflows they belong to."""

from typing import Any

import msgspec
from msgspec import UNSET

from releaseapp.workflows.differences.effort import Effort
from releaseapp.workflows.differences.inputs import compare_inputs
from releaseapp.workflows.differences.models import Difference, FieldChange, Kind, TriggerChange
from releaseapp.workflows.differences.renames import marked
from releaseapp.workflows.differences.steps import compare_steps
from releaseapp.workflows.differences.values import Place, canonical, change, compare_keys, compare_values, keys_of

_APART = frozenset({"inputs", "output", "steps"})


class Surroundings(msgspec.Struct, frozen=True):
    """What belongs to a workflow, not to one version of it; triggers as ``{"kind", "active", "config"}``."""

    tags: list[str] = []
    agent: str | None = None
    triggers: list[dict[str, Any]] = []


def compare(before: dict[str, Any], after: dict[str, Any]) -> Difference:
    """Everything that is different in meaning between two definitions, also ones with faults; raises nothing.

    Key order is no difference, nor is a step's position where nothing waits
    differently because of it. Swapped arguments give added for removed.
    """
    effort = Effort()
    metadata: list[FieldChange] = []
    for name in keys_of(before, after):
        if name not in _APART:
            metadata.extend(_field(before, after, name, effort))
    steps, other_steps = before.get("steps", []), after.get("steps", [])
    lists = isinstance(steps, list) and isinstance(other_steps, list)
    if not lists:
        metadata.extend(_field(before, after, "steps", effort))
    told = compare_steps(steps, other_steps, effort) if lists else []
    new_ids = {step.renamed_from: step.id for step in told if step.renamed_from is not None}
    return Difference(
        metadata=metadata,
        inputs=list(compare_inputs(before.get("inputs", {}), after.get("inputs", {}), effort)),
        triggers=[],
        output=[marked(field, new_ids) for field in _field(before, after, "output", effort)],
        steps=told,
    )


def with_surroundings(difference: Difference, before: Surroundings, after: Surroundings) -> Difference:
    """The same with what is different between the two workflows themselves: tags, agent, triggers."""
    effort = Effort()
    found = []
    if sorted(before.tags) != sorted(after.tags):
        found.append(change(before.tags, after.tags, Place("tags", "/tags"), effort))
    if before.agent != after.agent:
        agents = [UNSET if name is None else name for name in (before.agent, after.agent)]
        found.append(change(agents[0], agents[1], Place("agent", "/agent"), effort))
    triggers = _compare_triggers(before.triggers, after.triggers, effort)
    return msgspec.structs.replace(difference, metadata=[*difference.metadata, *found], triggers=triggers)


def _field(before: dict[str, Any], after: dict[str, Any], name: str, effort: Effort) -> list[FieldChange]:
    value, other = before.get(name, UNSET), after.get(name, UNSET)
    return list(compare_values(value, other, Place().key(name), effort))


def _compare_triggers(before: list[dict[str, Any]], after: list[dict[str, Any]], effort: Effort) -> list[TriggerChange]:
    """Triggers have other ids in another workflow: those that are equal belong together, then those of one kind."""
    mine, theirs = list(before), list(after)
    pairs = []
    for key in (canonical, lambda trigger: str(trigger.get("kind"))):
        for trigger in list(theirs):
            partner = next((one for one in mine if key(one) == key(trigger)), None)
            if partner is not None:
                mine.remove(partner)
                theirs.remove(trigger)
                pairs.append((partner, trigger))
    found = []
    for one, other in [*pairs, *(({}, one) for one in theirs), *((one, {}) for one in mine)]:
        fields = list(compare_keys(one, other, Place(), effort))
        kind: Kind = "added" if not one else "removed" if not other else "changed"
        if fields:
            found.append(TriggerChange(str((other or one).get("kind")), kind, fields))
    return found
