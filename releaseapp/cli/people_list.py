"""``releaseapp user list``: who there is, and what is to be said of their passwords."""

from pathlib import Path

import click
import msgspec

from releaseapp import clock
from releaseapp.auth.hygiene import Finding, Looked, look
from releaseapp.auth.people.models import Person
from releaseapp.auth.people.service import list_people
from releaseapp.cli.ini import INI, open_settings, refusals_are_sentences
from releaseapp.rolematrix.looking import open_to_look
from releaseapp.settings import Settings

_HEAD = ("E-MAIL", "ROLES", "STATE", "LAST SIGN-IN", "PASSWORD", "COST", "SESSIONS", "TOKENS")
_MINUTES = 16
_MOST_ROLES = 4


@click.command("list")
@INI
@click.option("--json", "as_json", is_flag=True, help="Prints JSON, and nothing else.")
@refusals_are_sentences
def list_users(ini: Path, *, as_json: bool) -> None:
    """Shows every account: roles, state, last sign-in, age of the password, and what is to be said of it."""
    settings = open_settings(ini)
    db = open_to_look(settings)
    now = clock.now_text()
    try:
        people, looked = list_people(db), look(db, settings, now)
    finally:
        db.close()
    if as_json:
        click.echo(msgspec.json.encode(_as_data(people, looked, settings, now)))
        return
    for line in (*_table(people, now), *_words(looked)):
        click.echo(line)


def _as_data(people: list[Person], looked: Looked, settings: Settings, now: str) -> dict[str, object]:
    said: dict[str, list[Finding]] = {}
    for one in looked.findings:
        said.setdefault(one.account_id, []).append(one)
    accounts = [
        {
            **msgspec.to_builtins(person),
            "password_age_days": _days(person.password_changed_at, now),
            "findings": [
                {"kind": one.kind, "sentence": one.sentence, "cure": one.cure} for one in said.get(person.id, [])
            ],
        }
        for person in people
    ]
    return {"accounts": accounts, "bcrypt_cost": settings.bcrypt_cost, "unlooked": looked.unlooked}


def _table(people: list[Person], now: str) -> list[str]:
    rows = [_HEAD, *(_row(person, now) for person in people)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(person: Person, now: str) -> tuple[str, ...]:
    roles = [f"{role} of {slug}" for slug, role in person.roles.items()]
    more = [f"{len(roles) - _MOST_ROLES} more"] if len(roles) > _MOST_ROLES else []
    states = [
        word
        for word, is_so in (
            ("operator", person.is_operator),
            ("disabled", person.is_disabled),
            ("must change", person.must_change_password),
        )
        if is_so
    ]
    last = person.last_sign_in_at
    return (
        person.email,
        ", ".join([*roles[:_MOST_ROLES], *more]) or "-",
        ", ".join(states) or "-",
        last[:_MINUTES].replace("T", " ") if last else "never",
        f"{_days(person.password_changed_at, now):,} d",
        str(person.hash_cost),
        str(person.sessions),
        str(person.api_tokens),
    )


def _words(looked: Looked) -> list[str]:
    lines = [""] if looked.findings or looked.unlooked else []
    for one in looked.findings:
        lines += [f"{one.email}: {one.sentence}", f"    {one.cure}"]
    if looked.unlooked:
        lines.append(f"Of {looked.unlooked:,} accounts there was no time to see whether they have the demo's password.")
    return lines


def _days(since: str, now: str) -> int:
    return max((clock.parse(now) - clock.parse(since)).days, 0)
