"""Making and verifying as operations: what is done, and what the journal keeps of it."""

from pathlib import Path
from typing import Any

from releaseapp import clock
from releaseapp.numbers import many
from releaseapp.operations.service import Report
from releaseapp.snapshots.importing import take_in
from releaseapp.snapshots.models import Damaged, Reason
from releaseapp.snapshots.service import Snapshots, copy_to_bucket, make_snapshot, prune_snapshots, verify_snapshot
from releaseapp.snapshots.shelf import BUCKET

Ended = tuple[str, dict[str, Any]]
"""The sentence that says how it ended, and its figures."""


def making(s: Snapshots, report: Report, reason: Reason = Reason.ASKED, note: str = "") -> Ended:
    """Makes a snapshot; raises as :func:`releaseapp.snapshots.service.make_snapshot`."""
    kept = make_snapshot(s, reason, report.operation.actor, report, note)
    rows = sum(kept.manifest.counts.values())
    sentence = (
        f"Made {kept.manifest.name}: {rows:,} rows and {kept.manifest.workflows:,} workflows, {kept.bytes:,} bytes."
    )
    if s.settings.snapshot_s3_url and BUCKET not in kept.places:
        sentence += f" {s.settings.snapshot_s3_url} did not take a copy; the log says why. It is tried again."
    elif reason is Reason.SCHEDULE:
        copy_to_bucket(s, report)
    return sentence, {"name": kept.manifest.name, "bytes": kept.bytes, "places": kept.places}


def verifying(s: Snapshots, report: Report, name: str) -> Ended:
    """Verifies a snapshot; raises Damaged with every fault."""
    faults = verify_snapshot(s, name, report)
    if faults:
        raise Damaged(f"Snapshot {name} is not whole: {' '.join(faults)}")
    return f"Snapshot {name} is whole.", {"name": name}


def importing(s: Snapshots, report: Report, file: Path) -> Ended:
    """Takes in a snapshot that was carried here; raises as :func:`releaseapp.snapshots.importing.take_in`."""
    kept = take_in(s, file, report.operation.actor, report)
    name = kept.manifest.name
    return f"Took in {name}, made {clock.to_the_minute(kept.manifest.made_at)}: it is whole.", {"name": name}


def pruning(s: Snapshots, _report: Report) -> Ended:
    """Deletes what need not be kept any more."""
    gone = [one.manifest.name for one in prune_snapshots(s)]
    return f"Deleted {many(len(gone), 'snapshot')} that need not be kept any more.", {"names": gone}
