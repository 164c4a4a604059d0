"""A real server whose releases stand on a ground that tests know: what is below is tested by itself."""

import sys
from pathlib import Path

from releases.world import World, ground_of

from releaseapp import make_app
from releaseapp.server import all_in_one
from tests.conftest import settings_for


def main(folder, port):
    settings = settings_for(Path(folder), seed_demo=True)
    app = make_app(settings)
    world = World()
    matrices = [world.matrix]
    # The new version, which one is to imagine after the start, lets viewers do more.
    changed = {"viewer": ["agents.edit", "agents.view"]}
    app.registry.release_ground = ground_of(
        app.registry.db, settings, world, matrix=lambda: matrices.pop() if matrices else changed
    )
    all_in_one({}, host="127.0.0.1", port=port)(app)


main(*sys.argv[1:])
