"""What can be said against the passwords of the accounts, as a check says it; never the passwords themselves."""

from releaseapp import clock
from releaseapp.auth.hygiene import Finding, Kind, look
from releaseapp.checks.models import Found
from releaseapp.checks.place import Place

_NAMED = 5
_WORDS = {Kind.WEAK: "easy to guess", Kind.SHARED: "shared by several", Kind.STALE: "too old"}


def demo_is_closed(place: Place) -> Found:
    """In production nobody has the demo's password, which everybody knows."""
    if place.settings.development:
        return Found(ok=True, sentence="This is a server for development; demo accounts may be there.")
    looked = look(place.db, place.settings, clock.now_text())
    seeded = [one for one in looked.findings if one.kind is Kind.SEEDED]
    if looked.unlooked and not seeded:
        sentence = f"There was no time to ask {looked.unlooked:,} accounts whether the demo's password opens them."
        return Found(ok=False, sentence=sentence, cure="Check them alone: releaseapp check INI --only demo.")
    return Found(
        ok=not seeded,
        sentence=f"The demo's password opens {_emails(seeded)}." if seeded else "The demo's password opens nothing.",
        cure=f"{seeded[0].cure}, or disable the account." if seeded else "",
    )


def passwords_are_good(place: Place) -> Found:
    """No password is known to be weak, shared, or older than ``password_max_days``."""
    looked = look(place.db, place.settings, clock.now_text())
    alike = {kind: [one for one in looked.findings if one.kind is kind] for kind in _WORDS}
    parts = [f"{_WORDS[kind]}: {_emails(found)}" for kind, found in alike.items() if found]
    cure = next((found[0].cure for found in alike.values() if found), "")
    sentence = f"Passwords that are {'; '.join(parts)}." if parts else "None is known to be weak, shared or too old."
    return Found(ok=not parts, sentence=sentence, cure=f"{cure}." if cure else "")


def hashes_are_dear(place: Place) -> Found:
    """No hash is cheaper than ``bcrypt_cost``."""
    cost = place.settings.bcrypt_cost
    looked = look(place.db, place.settings, clock.now_text())
    cheap = [one for one in looked.findings if one.kind is Kind.LOW_COST]
    if not cheap:
        return Found(ok=True, sentence=f"All have the cost {cost} or more.")
    return Found(ok=False, sentence=f"Hashes below the cost {cost}: {_emails(cheap)}.", cure=cheap[0].cure)


def _emails(found: list[Finding]) -> str:
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return ", ".join(one.email for one in found[:_NAMED]) + more
