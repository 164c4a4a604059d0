"""``message.send``: tells somebody something."""

from typing import Annotated

import msgspec
from msgspec import Meta

from releaseapp.credentials.models import CredentialType, Secret
from releaseapp.steps import mail, web_call
from releaseapp.steps.api import Context, Done, Preset, StepFailed, StepType
from releaseapp.steps.fields import Reference, Text
from releaseapp.steps.signature import signature_headers

_MOST_SECONDS = 60.0
_MOST_BYTES = 100_000


class MessageSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sends a message to a Slack-compatible webhook, or an e-mail."""

    credential: Annotated[Reference, Meta(description="The name of a webhook's or mail server's credential.")]
    text: Annotated[Text, Meta(description="What the message says.", extra={"box": "lines"})]
    to: Annotated[
        list[Text], Meta(max_length=100, description="Addresses of e-mail, one a line; left out for a webhook.")
    ] = []
    subject: Annotated[str, Meta(description="Of an e-mail; the first line of the text when it is empty.")] = ""


def run(config: MessageSend, context: Context) -> Done:
    """Sends it the way that the type of the credential says."""
    secret = context.credential(config.credential)
    if secret.type is CredentialType.SMTP:
        return _send_mail(config, secret, context)
    if secret.type is CredentialType.WEBHOOK_SECRET:
        return _post(config, secret, context)
    raise StepFailed(
        f"The credential {secret.name!r} is of the type {secret.type}; a message needs a mail server (smtp) "
        "or a webhook (webhook-secret).",
        retryable=False,
    )


def _send_mail(config: MessageSend, secret: Secret, context: Context) -> Done:
    if not config.to:
        raise StepFailed("An e-mail needs an address: put one into to.", retryable=False)
    letter = mail.Letter(to=config.to, subject=config.subject, text=config.text, key=context.key)
    message_id = mail.send(secret, letter, context)
    context.log(f"The mail server took the e-mail {message_id}.")
    return Done({"sent": True, "to": config.to, "message_id": message_id})


def _post(config: MessageSend, secret: Secret, context: Context) -> Done:
    if config.to:
        raise StepFailed(
            f"The credential {secret.name!r} is a webhook, which has no addresses: empty to, or name a mail server.",
            retryable=False,
        )
    url = secret.fields.get("url", "").strip()
    if not url:
        raise StepFailed(f"The webhook {secret.name!r} has no url; add it to the credential.", retryable=False)
    text = f"{config.subject.strip()}\n{config.text}" if config.subject.strip() else config.text
    try:
        content = msgspec.json.encode({"text": text})
    except UnicodeEncodeError:
        raise StepFailed("text has a character that is half of one (a lone surrogate).", retryable=False) from None
    headers = {"Content-Type": "application/json", "Idempotency-Key": context.key}
    call = web_call.Call(
        method="POST",
        url=url,
        headers=headers,
        content=content,
        signed=signature_headers(secret.fields.get("secret", ""), context.key, content),
        follow_redirects=False,
        most_seconds=_MOST_SECONDS,
        most_bytes=_MOST_BYTES,
    )
    answer = web_call.send(call, context, secret)
    if not answer.is_success:
        raise web_call.failure_of(answer, secret)
    context.log(f"The webhook answered {answer.status}.")
    return Done({"sent": True, "status": answer.status})


TYPE = StepType(
    title="Message",
    icon="mail",
    config=MessageSend,
    run=run,
    output={"sent": True},
    presets=(
        Preset("Tell a channel", {"credential": "", "text": ""}),
        Preset("Send an e-mail", {"credential": "", "to": ["somebody@example.com"], "subject": "", "text": ""}),
    ),
    outside=True,
    has_effects=True,
)
