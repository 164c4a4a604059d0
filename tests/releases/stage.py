"""Does a verb of a release in a process of its own, and stands still at a stage: for tests that kill it there."""

import sys
import time
from pathlib import Path

from releases.world import AVERY, PLAN, World, ground_of

from releaseapp.releases.promoting import Wish
from releaseapp.releases.service import finish, perform, promote, roll_back, start
from releaseapp.storage import open_database
from tests.conftest import settings_for


def main(folder, verb, stage):
    settings = settings_for(Path(folder), release_hook_url="https://cdn.example.com/clear")
    world = World()
    whole = ground_of(None, settings, world)
    real = getattr(whole, stage)

    def stand_still(*words):
        if verb == "rollback-late":
            real(*words)
        print("here", flush=True)
        time.sleep(600)

    ground = ground_of(open_database(settings), settings, world, **{stage: stand_still})
    begin = {
        "start": lambda: start(ground, AVERY, PLAN),
        "promote": lambda: promote(ground, AVERY, Wish()),
        "finish": lambda: finish(ground, AVERY, Wish()),
        "rollback": lambda: roll_back(ground, AVERY, "Slow."),
        "rollback-late": lambda: roll_back(ground, AVERY, "Slow."),
    }[verb]
    perform(ground, begin())


main(*sys.argv[1:])
