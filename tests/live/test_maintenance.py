"""The live channel during maintenance: it stays open, tells everybody, and gives nobody a lock."""

from releaseapp.agents.schemas import AgentCreate
from releaseapp.agents.service import create_agent
from releaseapp.maintenance.service import begin_maintenance, end_maintenance


def test_everybody_hears_it_and_nobody_begins_to_edit(server, world):
    agent = create_agent(world.db, world.workspaces["cobalt"], AgentCreate(name="Nova"), actor=None).agent
    with server.hear("olga") as olga, server.hear("anna") as anna:
        begin_maintenance(world.db, None, "A new disk")
        assert olga.event()["type"] == anna.event()["type"] == "maintenance.began"
        say(olga, "watch", agent.id)
        say(olga, "lock", agent.id)
        refused = until(olga, "lock.refused")
        assert refused["detail"].startswith("A new disk.")
        end_maintenance(world.db, None)
        assert until(anna, "event")["event"]["type"] == "maintenance.ended"
        say(olga, "lock", agent.id)
        until(olga, "lock.granted")


def say(client, what, subject):
    client.client.send(f'{{"type":"{what}","subject":"{subject}"}}')


def until(client, kind):
    while (message := client.next())["type"] != kind:
        pass
    return message
