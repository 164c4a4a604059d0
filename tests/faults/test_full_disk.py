"""A server whose disk is full: what is there can be read, what is sent is refused in words, and nothing is half done."""

from conftest import App, settings_for
from disks import fill

from releaseapp import make_app
from releaseapp.seeds import seed
from releaseapp.storage import open_database

AGENTS = "/workspaces/aurora/agents"


def test_writes_are_refused_in_words_reads_go_on_and_so_does_all_when_there_is_room_again(small_disk):
    disk = small_disk("12m")
    settings = settings_for(disk)
    database = open_database(settings)
    seed(database, settings)
    database.close()
    app = App(make_app(settings))
    avery = app.as_program("avery.owner@example.com")
    before = avery.get(AGENTS).json["items"]
    ballast = fill(disk)
    large = {"name": "Nova", "instructions": "x" * 20_000}
    refused = avery.post_json(AGENTS, large, status=503)
    assert "The disk takes no more" in refused.json["detail"]
    assert avery.get(AGENTS).json["items"] == before
    ballast.unlink()
    made = avery.post_json(AGENTS, large, status=201).json
    assert avery.get(f"{AGENTS}/{made['id']}").json["name"] == "Nova"
    app.app.registry.db.close()
