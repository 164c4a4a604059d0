"""What can be said against the passwords of the accounts, as a check says it; never the passwords themselves."""

from releaseapp.auth.hygiene import Finding, Kind, named
from releaseapp.checks.models import Found
from releaseapp.checks.place import Place
from releaseapp.numbers import many

_WORDS = {Kind.WEAK: "easy to guess", Kind.SHARED: "shared by several", Kind.STALE: "too old"}


def demo_is_closed(place: Place) -> Found:
    """In production nobody has the demo's password, which everybody knows."""
    if place.settings.development:
        return Found(ok=True, sentence="This is a server for development; demo accounts may be there.")
    seeded = _of(place, Kind.SEEDED)
    unlooked = place.passwords.unlooked
    if unlooked and not seeded:
        sentence = f"There was no time to ask {unlooked:,} accounts whether the demo's password opens them."
        return Found(ok=False, sentence=sentence, cure="Check them alone: releaseapp check INI --only demo.")
    return Found(
        ok=not seeded,
        sentence=f"The demo's password opens {_emails(seeded)}." if seeded else "The demo's password opens nothing.",
        cure=f"{seeded[0].cure}, or disable the account." if seeded else "",
    )


def passwords_are_good(place: Place) -> Found:
    """No password is known to be weak, shared, or older than ``password_max_days``."""
    bad = {kind: found for kind in _WORDS if (found := _of(place, kind))}
    unmarked = place.passwords.unmarked
    unknown = f" Of {many(unmarked, 'account')} it is known after the next sign-in." if unmarked else ""
    if not bad:
        return Found(ok=True, sentence=f"None is known to be weak, shared or too old.{unknown}")
    parts = "; ".join(f"{_WORDS[kind]}: {_emails(found)}" for kind, found in bad.items())
    first = next(iter(bad.values()))[0]
    return Found(ok=False, sentence=f"Passwords that are {parts}.{unknown}", cure=f"{first.cure}.")


def hashes_are_dear(place: Place) -> Found:
    """No hash is cheaper than ``bcrypt_cost``."""
    cost, cheap = place.settings.bcrypt_cost, _of(place, Kind.LOW_COST)
    if not cheap:
        return Found(ok=True, sentence=f"All have the cost {cost} or more.")
    return Found(ok=False, sentence=f"Hashes below the cost {cost}: {_emails(cheap)}.", cure=cheap[0].cure)


def _of(place: Place, kind: Kind) -> list[Finding]:
    return [one for one in place.passwords.findings if one.kind is kind]


def _emails(found: list[Finding]) -> str:
    return named([one.email for one in found])
