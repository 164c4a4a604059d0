"""Work on the server that takes long: snapshots, restores, drills, checks; one at a time, seen by every operator."""
