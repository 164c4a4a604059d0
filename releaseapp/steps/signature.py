"""Signs what is sent to a webhook, as Standard Webhooks says: the receiver can tell who sent it, and when."""

import base64
import binascii
import hashlib
import hmac

from releaseapp import clock

_PREFIX = "whsec_"


def signature_headers(secret: str, key: str, content: bytes) -> dict[str, str]:
    """The three headers for this content; none without a secret. The id comes from ``key``, so a repeat keeps it."""
    if not secret:
        return {}
    id_ = f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    at = str(int(clock.now().timestamp()))
    digest = hmac.digest(_key(secret), f"{id_}.{at}.".encode() + content, "sha256")
    return {
        "webhook-id": id_,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    """The bytes that a secret stands for: ``whsec_`` and base 64, or the text itself."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
