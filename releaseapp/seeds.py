"""The demo: three workspaces with people and agents. For development and ``releaseapp seed`` alone."""

from releaseapp.agents.models import AgentStatus
from releaseapp.agents.schemas import AgentCreate
from releaseapp.agents.service import create_agent, list_agents
from releaseapp.auth.models import DEMO_PASSWORD, Account
from releaseapp.auth.service import create_demo_account, find_account_by_email
from releaseapp.db.api import Database
from releaseapp.permissions import Role
from releaseapp.settings import Settings
from releaseapp.web.paging import FIRST
from releaseapp.workflows import yaml_text
from releaseapp.workflows.service import create_workflow, publish
from releaseapp.workflows.store import By, Store
from releaseapp.workflows.templates import DEMO
from releaseapp.workspaces.service import add_member, create_workspace

SEED_PASSWORD = DEMO_PASSWORD

PEOPLE = {
    "avery.owner@example.com": "Avery Owner",
    "bailey.admin@example.com": "Bailey Admin",
    "casey.editor@example.com": "Casey Editor",
    "devon.viewer@example.com": "Devon Viewer",
    # A workspace always has an owner; this is the one of cobalt and lumen.
    "emery.owner@example.com": "Emery Owner",
}
OPERATOR = "avery.owner@example.com"

WORKSPACES = {
    "aurora": ("workspace-aurora", "Aurora Research Lab"),
    "cobalt": ("workspace-cobalt", "Cobalt Ops"),
    "lumen": ("workspace-lumen", "Lumen Creative"),
}
OWNERS = {
    "aurora": "avery.owner@example.com",
    "cobalt": "emery.owner@example.com",
    "lumen": "emery.owner@example.com",
}
MEMBERS = [
    ("aurora", "casey.editor@example.com", Role.EDITOR),
    ("cobalt", "bailey.admin@example.com", Role.ADMIN),
    ("cobalt", "devon.viewer@example.com", Role.VIEWER),
    ("lumen", "avery.owner@example.com", Role.ADMIN),
]
OWNER_AGENTS = {
    "Daily Research Digest": "Smart Assistant",
    "Insight Synthesizer": "Data Collector",
    "Ticket Summaries": "Support Sentinel",
    "Narrative Pitch": "Story Weaver",
}


def demo_accounts() -> list[dict[str, str]]:
    """Whom one can sign in as, for the sign-in page and the console: e-mail, name, and what they are where."""
    return [
        {
            "email": email,
            "name": name,
            "role": ", ".join(f"{role} of {slug}" for slug, member, role in _all_members() if member == email),
        }
        for email, name in PEOPLE.items()
    ]


def demo_lines() -> list[str]:
    """The demo accounts for the console."""
    accounts = [f"  {account['email']:28} {account['role']}" for account in demo_accounts()]
    return [f"Demo accounts, each with the password {SEED_PASSWORD}:", *accounts]


def seed(db: Database, settings: Settings) -> bool:
    """Makes the demo in one transaction; returns False, and does nothing, when it is there already."""
    if find_account_by_email(db, OPERATOR) is not None:
        return False
    with db.transaction():
        people = {
            email: create_demo_account(db, settings, email, name, is_operator=email == OPERATOR)
            for email, name in PEOPLE.items()
        }
        _make_workspaces(db, people)
        _make_agents(db)
    return True


def seed_workflows(store: Store) -> bool:
    """Makes the demo's workflows, published, in a file that holds none; returns whether it did."""
    if store.file.read().revision:
        return False
    for slug, definitions in DEMO.items():
        agents = {
            agent.name: agent.id for agent in list_agents(store.db, WORKSPACES[slug][0], FIRST, len(AGENTS[slug]))
        }
        for text in definitions:
            definition, _ = yaml_text.load(text)
            owner = agents.get(OWNER_AGENTS[definition["name"]])
            made = create_workflow(store, WORKSPACES[slug][0], definition, By(None), tags=["demo"], agent_id=owner)
            publish(store, made, 1, By(None))
    return True


def _all_members() -> list[tuple[str, str, Role]]:
    return [*((slug, email, Role.OWNER) for slug, email in OWNERS.items()), *MEMBERS]


def _make_workspaces(db: Database, people: dict[str, Account]) -> None:
    for slug, (workspace_id, name) in WORKSPACES.items():
        create_workspace(db, slug, name, people[OWNERS[slug]], workspace_id=workspace_id)
    for slug, email, role in MEMBERS:
        add_member(db, WORKSPACES[slug][0], people[email], role, actor=None)


def _make_agents(db: Database) -> None:
    for slug, agents in AGENTS.items():
        for agent in agents:
            create_agent(db, WORKSPACES[slug][0], agent, actor=None)


AGENTS: dict[str, list[AgentCreate]] = {
    "aurora": [
        AgentCreate(
            name="Task Automator",
            description="Takes a list of things to do and works through it, one line of log for each.",
            status=AgentStatus.ACTIVE,
            instructions='Give it a list: {"items": ["first", "second"]}.',
            tags=["automation", "demo"],
            runtime={
                "type": "script",
                "steps": [
                    {"let": {"items": "{{ input['items'] if input is mapping and 'items' in input else [input] }}"}},
                    {"log": "Working through {{ items | length }} items"},
                    {
                        "for_each": {
                            "items": "{{ items }}",
                            "as": "item",
                            "steps": [{"wait": 0.4}, {"log": "Done: {{ item }}"}],
                        }
                    },
                ],
                "output": {"done": "{{ items | length }}"},
            },
        ),
        AgentCreate(
            name="Data Collector",
            description="Sums up the numbers that it is given, and remembers the last result.",
            status=AgentStatus.LEARNING,
            instructions='Give it numbers: {"numbers": [3, 1, 2]}.',
            tags=["data", "demo"],
            runtime={
                "type": "script",
                "steps": [
                    {"let": {"numbers": "{{ input['numbers'] if input is mapping and 'numbers' in input else [] }}"}},
                    {"when": "{{ numbers | length == 0 }}", "fail": "There are no numbers in the input."},
                    {"log": "Collected {{ numbers | length }} numbers"},
                    {"wait": 0.5},
                    {"remember": {"key": "last sum", "value": "{{ numbers | sum }}", "type": "fact"}},
                    {"log": "Their sum is {{ numbers | sum }}"},
                ],
                "output": {"sum": "{{ numbers | sum }}", "largest": "{{ numbers | max }}"},
            },
        ),
        AgentCreate(
            name="Smart Assistant",
            description="Answers with what it remembers of a topic, and remembers what it is told.",
            status=AgentStatus.LEARNING,
            instructions='Tell it {"topic": "tea", "note": "Avery likes green tea"}, then ask {"topic": "tea"}.',
            tags=["assistant", "demo"],
            runtime={
                "type": "script",
                "steps": [
                    {"let": {"topic": "{{ input['topic'] if input is mapping and 'topic' in input else 'anything' }}"}},
                    {"log": "Thinking about {{ topic }}"},
                    {"wait": 0.5},
                    {
                        "when": "{{ input is mapping and 'note' in input }}",
                        "remember": {"key": "{{ topic }}", "value": "{{ input['note'] }}", "type": "context"},
                    },
                ],
                "output": "{{ memory[topic] if topic in memory else 'I know nothing of ' ~ topic ~ ' yet.' }}",
            },
        ),
    ],
    "cobalt": [
        AgentCreate(
            name="Support Sentinel",
            description="Looks at a ticket and says how urgent it is.",
            status=AgentStatus.ACTIVE,
            instructions='Give it a ticket: {"ticket": "Production is down"}.',
            tags=["support", "demo"],
            runtime={
                "type": "script",
                "steps": [
                    {
                        "let": {
                            "ticket": "{{ (input['ticket'] if input is mapping and 'ticket' in input else input) | string | lower }}"
                        }
                    },
                    {"log": "Reading the ticket"},
                    {"wait": 0.5},
                    {"let": {"urgent": "{{ 'down' in ticket or 'urgent' in ticket or 'outage' in ticket }}"}},
                    {"log": "{{ 'This one cannot wait' if urgent else 'This one can wait' }}"},
                ],
                "output": {"priority": "{{ 'high' if urgent else 'normal' }}"},
            },
        ),
        AgentCreate(
            name="Feedback Whisperer",
            description="Counts the kind and the unkind words in a piece of feedback.",
            status=AgentStatus.LEARNING,
            instructions='Give it feedback: {"feedback": "I love it, but it is slow"}.',
            tags=["feedback", "demo"],
            runtime={
                "type": "script",
                "steps": [
                    {
                        "let": {
                            "words": "{{ ((input['feedback'] if input is mapping and 'feedback' in input else input) | string | lower | replace(',', ' ')).split() }}"
                        }
                    },
                    {"log": "Listening to {{ words | length }} words"},
                    {"wait": 0.5},
                    {
                        "let": {
                            "kind": "{{ words | select('in', ['love', 'great', 'good', 'thanks', 'nice']) | list | length }}",
                            "unkind": "{{ words | select('in', ['slow', 'bad', 'broken', 'hate', 'ugly']) | list | length }}",
                        }
                    },
                    {"log": "{{ kind }} kind, {{ unkind }} unkind"},
                ],
                "output": {"mood": "{{ 'good' if kind > unkind else 'bad' if unkind > kind else 'mixed' }}"},
            },
        ),
    ],
    "lumen": [
        AgentCreate(
            name="Story Weaver",
            description="Weaves a few words into an opening line.",
            status=AgentStatus.LEARNING,
            instructions='Give it words: {"words": ["lighthouse", "letter", "storm"]}.',
            tags=["writing", "demo"],
            runtime={
                "type": "script",
                "steps": [
                    {
                        "let": {
                            "words": "{{ input['words'] if input is mapping and 'words' in input else ['silence'] }}"
                        }
                    },
                    {
                        "for_each": {
                            "items": "{{ words }}",
                            "as": "word",
                            "steps": [{"wait": 0.4}, {"log": "Weaving in {{ word }}"}],
                        }
                    },
                    {"remember": {"key": "last words", "value": "{{ words }}", "type": "context"}},
                ],
                "output": "It began with {{ words | join(', then ') }}.",
            },
        ),
    ],
}
