"""Exported, imported into an empty workspace, exported again: the same document, as JSON and as YAML."""

import itertools

import msgspec
import pytest
from hostile_texts import HOSTILE, data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releaseapp import clock
from releaseapp.errors import AppError
from releaseapp.workflows.file import WorkflowFile
from releaseapp.workflows.models import (
    Action,
    HistoryEntry,
    Trigger,
    TriggerKind,
    Version,
    VersionStatus,
    Workflow,
    WorkflowStatus,
)
from releaseapp.workflows.store import By, Store
from releaseapp.workflows.transfer import service
from releaseapp.workflows.transfer.plan import Surroundings

HERE, THERE = "workspace-here", "workspace-there"
MEMBERS = {"acc_1": "ada@example.com", "acc_2": "bo@example.com"}

texts = st.one_of(
    st.sampled_from([text for text in HOSTILE if len(text) < 500]),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=50),
)
plain = data.filter(lambda value: "{" not in msgspec.json.encode(value).decode()[1:])
times = st.integers(0, 2_000_000_000_000).map(lambda number: f"2020-01-01T{number % 24:02}:00:00.{number % 1000:03}Z")
authors = st.sampled_from([None, "acc_1", "acc_2", "acc_gone"])


@st.composite
def definitions(draw):
    return {
        "name": draw(st.sampled_from(["Digest", "yes", "a: b", "  x", "😀 \u2028", "1e3", "- a"])),
        "description": draw(texts),
        "steps": [{"id": "a", "type": "transform", "config": {"value": draw(plain)}, "x-own": draw(data)}],
        "x-own": draw(data),
    }


@st.composite
def workflows(draw):
    count = draw(st.integers(1, 4))
    published = draw(st.one_of(st.none(), st.integers(1, count)))
    versions = []
    for number in range(1, count + 1):
        definition = draw(definitions())
        status = draw(st.sampled_from([VersionStatus.DRAFT, VersionStatus.ARCHIVED]))
        versions.append(
            Version(
                number=number,
                status=VersionStatus.PUBLISHED if number == published else status,
                author=draw(authors),
                change_summary=draw(texts),
                base=draw(st.sampled_from([None, *range(1, number)])),
                revision=draw(st.integers(1, 9)),
                created_at=draw(times),
                updated_at=draw(times),
                name=definition["name"].strip(),
                description=definition["description"],
                definition=msgspec.Raw(msgspec.json.encode(definition)),
            )
        )
    entries = draw(
        st.lists(st.tuples(times, st.sampled_from(Action), authors, texts, st.integers(1, count)), max_size=5)
    )
    states = [WorkflowStatus.DRAFT, WorkflowStatus.ARCHIVED]
    if published is not None:
        states = [WorkflowStatus.ACTIVE, WorkflowStatus.PAUSED]
    return Workflow(
        id=clock.new_id("wfl"),
        workspace_id=HERE,
        status=draw(st.sampled_from(states)),
        agent_id=draw(st.sampled_from([None, "agt_1"])),
        tags=draw(st.lists(texts.filter(bool), max_size=3, unique=True)),
        published_version=published,
        versions=versions,
        history=[HistoryEntry(clock.new_id("his"), *entry) for entry in entries],
        created_at=draw(times),
        updated_at=draw(times),
        triggers=[
            Trigger(clock.new_id("trg"), kind, {"note": draw(data)}, draw(st.booleans()))
            for kind in draw(st.lists(st.sampled_from(TriggerKind), max_size=2))
        ],
    )


@pytest.fixture
def fresh(db, tmp_path, monkeypatch):
    """Makes empty files, one after the other; accounts and agents are known without a database."""
    from releaseapp.workflows.transfer.export import Names

    names = Names({**MEMBERS, "acc_gone": "Cy Gone"}.get, {"agt_1": "Nova"}.get)
    monkeypatch.setattr(service, "names_of", lambda _db, _workspace_id: names)
    numbers = itertools.count()

    def make() -> Store:
        file = WorkflowFile(tmp_path / f"{next(numbers)}.json")
        file.ensure()
        return Store(db, file)

    return make


def into(workspace_id):
    accounts = {email: account for account, email in MEMBERS.items()}
    return Surroundings(workspace_id, accounts, lambda _names: {"Nova": "agt_1"}, lambda names: names)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(kept=st.lists(workflows(), min_size=1, max_size=3), wanted=st.sampled_from(["json", "yaml"]))
def test_exported_imported_and_exported_again_is_the_same_document(fresh, kept, wanted):
    store = fresh()
    store.file.change(lambda document: (msgspec.structs.replace(document, workflows=kept), None))
    first = service.export_all(store, HERE)
    text = service.as_text(first, wanted)
    other = fresh()
    incoming = service.read_incoming(text.encode(), None, service.OVER_HTTP)
    try:
        plan = service.import_workflows(other, incoming, into(THERE), By("acc_importer"), publish=True)
    except AppError as error:
        raise AssertionError(f"{error}\n{text}") from error
    assert plan.count(service.Outcome.CREATED) == len(kept)
    assert service.export_all(other, THERE) == first
    assert service.as_text(service.export_all(other, THERE), wanted) == text
    again = service.plan_import(other, incoming, into(THERE), publish=True)
    assert again.count(service.Outcome.REFUSED) == 0
    # A second import finds what the first has brought, and adds nothing to what is published.
    assert all(item.here is not None for item in again.items)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(workflow=workflows(), wanted=st.sampled_from(["json", "yaml"]), publish=st.booleans())
def test_one_version_exported_imported_and_exported_again_is_the_same_document(fresh, workflow, wanted, publish):
    version = workflow.versions[-1]
    if version.status is VersionStatus.ARCHIVED:
        version = msgspec.structs.replace(version, status=VersionStatus.DRAFT)
    first = service.export_version(fresh(), workflow, version)
    other = fresh()
    incoming = service.read_incoming(service.as_text(first, wanted).encode(), wanted, service.OVER_HTTP)
    plan = service.import_workflows(other, incoming, into(THERE), By("acc_importer"), publish=publish)
    made = plan.items[0].here
    assert (made.published_version == version.number) is publish
    second = service.export_version(other, made, made.versions[0])
    if version.author is None:
        # Who imports a version that nobody has written is its author.
        assert made.versions[0].author == "acc_importer"
    assert second == first
