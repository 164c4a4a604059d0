"""What others say, as it may stand in an error."""

from releaseapp.credentials.models import Secret
from releaseapp.masking import Masker

# Some errors cut an address short before they show it.
_LONGEST_QUOTE = 80


def shown(text: str, secret: Secret | None, most: int = 300) -> str:
    """The text on one line, without what is secret and without what no page can show, and not too long."""
    if secret is not None:
        # Before it is cut: half a secret would not be known again.
        text = Masker([*secret.secrets, *(hidden[:_LONGEST_QUOTE] for hidden in secret.secrets)]).text(text)
    plain = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(plain.split())[:most].rstrip(".")
