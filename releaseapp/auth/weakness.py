"""What makes a password easy to guess. The words and rows are few and our own: common habits, not a dictionary."""

import re
from itertools import pairwise

from releaseapp.auth.models import MINIMAL_PASSWORD_LENGTH

_FEWEST_DIFFERENT = 5
_SHORTEST_NAME = 4
_MOST_IN_A_ROW = 0.7
_WORDS = (
    "abc|access|admin|administrator|america|april|august|autumn|baseball|batman|change|changeit|changeme|charlie|company"
    "|computer|contrasena|default|demo|december|dragon|february|football|freedom|friday|geheim|guest|hallo|hello|hola"
    "|iloveyou|internet|january|july|june|letmein|liverpool|login|london|love|march|master|michael|monday|monkey"
    "|motdepasse|november|october|office|pass|passord|passphrase|password|passwort|princess|qwerty|qwertz|releaseapp"
    "|root|sailor|saturday|secret|senha|september|server|shadow|spring|starwars|summer|sunday|sunshine|superman|temp"
    "|test|tester|testing|thursday|toor|trustno|tuesday|user|wachtwoord|wednesday|welcome|whatever|willkommen|winter"
    "|wordpress|workspace"
)
_MADE_OF_WORDS = re.compile(f"(?:{_WORDS}){{1,4}}")
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "!@#$%^&*()",
    *("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm"),
)
_NEIGHBOURS = frozenset(pair for row in _ROWS for one, other in pairwise(row) for pair in (one + other, other + one))
_LOOKS_LIKE = str.maketrans("0134578@$!", "oieastbasi")


def weaknesses(password: str, email: str, name: str) -> list[str]:
    """Sentences on what makes the password easy to guess; none when nothing is known against it."""
    folded = password.casefold()
    found = []
    if len(password) < MINIMAL_PASSWORD_LENGTH:
        found.append(f"The password must have at least {MINIMAL_PASSWORD_LENGTH} characters.")
    if _holds_who(folded, email, name):
        found.append("The password must not hold your name or e-mail address.")
    if len(set(folded)) < _FEWEST_DIFFERENT or _repeats(folded):
        found.append("The password repeats itself; take one that does not.")
    elif _is_a_row(folded):
        found.append("The password follows the keyboard or the alphabet; take one that does not.")
    elif _is_common(folded):
        found.append("The password is among the first that anybody tries; take words that do not belong together.")
    return found


def _holds_who(folded: str, email: str, name: str) -> bool:
    local = email.partition("@")[0].casefold()
    words = re.split(r"[^\w]+|_", f"{local} {name.casefold()}")
    return folded in {local, email.casefold()} or any(word in folded for word in words if len(word) >= _SHORTEST_NAME)


def _repeats(folded: str) -> bool:
    """Whether it is one piece over and over."""
    return bool(folded) and folded in (folded + folded)[1:-1]


def _is_a_row(folded: str) -> bool:
    steps = [one + other for one, other in pairwise(folded)]
    return bool(steps) and sum(step in _NEIGHBOURS for step in steps) / len(steps) >= _MOST_IN_A_ROW


def _is_common(folded: str) -> bool:
    """Whether it is common words with figures and signs about them, or in place of letters."""
    bare = re.sub(r"[^a-z]+$", "", folded)
    candidates = (bare, bare.translate(_LOOKS_LIKE), folded.translate(_LOOKS_LIKE), re.sub(r"[^a-z]+", "", folded))
    return any(_MADE_OF_WORDS.fullmatch(re.sub(r"[^a-z]+", "", one)) for one in candidates)
