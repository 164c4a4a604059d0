"""A ground for releases whose answers a test may choose: what is below stands for itself in tests of its own."""

import msgspec

from releaseapp import clock
from releaseapp.releases.ground import Ground
from releaseapp.releases.models import Finding, Health, HookAnswer, Loss, PutBack, Taken, Verdict, Who
from releaseapp.releases.starting import Plan

AVERY = Who("acc_avery", "Avery Owner (avery@example.com)")
BAILEY = Who(None, "bailey on the command line")
PLAN = Plan("0.2.0", "Two fixes and a new page.")
WELL = Finding("writable", "The data can be written", "error", ok=True, sentence="It can.", cure="")
BAD = Finding("space", "Free space", "error", ok=False, sentence="2 MB are left.", cure="Make room.")


class World:
    """What the ground answers; a test changes it."""

    def __init__(self):
        self.findings = [WELL, Finding("backup", "A backup elsewhere", "warning", ok=False, sentence="None.", cure="")]
        self.verdict = Verdict("calm", [], {"open": 12, "opens": 3, "closes": 2, "reconnect_seconds": 0.25})
        self.health = Health("http://x", reached=True, ready=True, version="0.2.0", faults=[])
        self.loss = Loss(possible=True, sentences=["2 agents were added since."])
        self.matrix = {"viewer": ["agents.view"]}
        self.answers = [HookAnswer(204, "The hook answered 204.", 0.125)]
        self.probed = [WELL]
        self.visitors = []
        self.hooked = []
        self.put_back = []
        self.snapshots = 0
        self.meanwhile = lambda: None
        """Runs while something long is at work."""

    def take_snapshot(self, _actor, _note):
        self.meanwhile()
        self.snapshots += 1
        return Taken(
            name=f"20261124T01200{self.snapshots}Z-3f9a2c41",
            made_at=clock.now_text(),
            bytes=1_234_567,
            app_version="0.1.0",
            counts={"accounts": 7, "agents": 1204, "queues": 0},
            places=["folder"],
            encrypted=False,
        )

    def restore(self, name, _actor, report):
        report.tell("Puts back.", 0.5)
        self.meanwhile()
        self.put_back.append(name)
        return PutBack(name, "20261124T020000Z-before00", 1.5, 0.25, 2, "0.1.0")

    def probe(self, url, accounts):
        self.visitors.append((url, *((one.email, one.password) for one in accounts)))
        return self.probed

    def call_hook(self, release_id, content):
        self.hooked.append((release_id, msgspec.json.decode(content)))
        return self.answers.pop(0)


def ground_of(db, settings, world, **changes):
    return Ground(
        **{
            "db": db,
            "settings": settings,
            "check": lambda: world.findings,
            "take_snapshot": world.take_snapshot,
            "preview": lambda _name: world.loss,
            "put_back": world.restore,
            "was_put_back": lambda _name, _since: None,
            "matrix": lambda: world.matrix,
            "difference": lambda before, after: [] if before == after else ["Viewers may now POST to /agents."],
            "connections": lambda _since, _until: world.verdict,
            "ask_health": lambda _url: world.health,
            "probe": world.probe,
            "call_hook": world.call_hook,
            **changes,
        }
    )
