"""What a step that works outside is given here, and how it is abandoned."""

import threading
import time

from releaseapp import clock
from releaseapp.credentials.models import CredentialType, Secret
from releaseapp.steps.api import Abandoned, StepFailed


class FakeContext:
    """One attempt at one step, as the run gives it; ``abandon`` is what a cancelled run does."""

    def __init__(self, outbound, secrets=(), *, seconds=30.0, key="run_1/step_1/1"):
        self.workspace_id, self.run_id, self.step_id, self.key = "wsp_1", "run_1", "step_1", key
        self.outbound = outbound
        self.lines = []
        self._written = ""
        self.waited_on = threading.Event()
        self._secrets = {secret.name: secret for secret in secrets}
        self._ends_at = clock.monotonic() + seconds
        self._abandoned = False
        self._calls = []

    def log(self, text):
        self.lines.extend(text.splitlines())

    def write(self, chunk):
        self._written += chunk
        *lines, self._written = self._written.split("\n")
        self.lines.extend(lines)

    def credential(self, name):
        if name not in self._secrets:
            raise StepFailed(f"There is no credential {name!r}.", retryable=False)
        return self._secrets[name]

    def seconds_left(self, most):
        self.check_alive()
        left = self._ends_at - clock.monotonic()
        if left <= 0:
            raise Abandoned
        return min(left, most)

    def check_alive(self):
        if self._abandoned:
            raise Abandoned

    def when_abandoned(self, call):
        self._calls.append(call)
        self.waited_on.set()
        if self._abandoned:
            call()

    def abandon(self):
        self._abandoned = True
        for call in self._calls:
            call()

    @property
    def log_text(self):
        return "\n".join(self.lines)


def secret(kind, fields, name="door", hosts=("127.0.0.1",)):
    """A credential as the vault opens it."""
    hidden = [value for key, value in fields.items() if key in {"key", "password", "access_token", "secret", "url"}]
    return Secret(
        id="crd_1",
        name=name,
        type=CredentialType(kind),
        workspace_id="wsp_1",
        fields=fields,
        secrets=tuple(value for value in hidden if value),
        allowed_hosts=tuple(hosts),
        scopes=(),
    )


class Abandoning:
    """Runs a step in a thread, to see what becomes of it when it is abandoned."""

    def __init__(self, run, config, context):
        self._context = context
        self._run = lambda: run(config, context)
        self.raised = None
        self._thread = threading.Thread(target=self._try)
        self._thread.start()

    def _try(self):
        try:
            self._run()
        except BaseException as error:
            self.raised = error

    def abandon(self):
        """The error that ended the step, and the seconds it took from being abandoned."""
        began = clock.monotonic()
        self._context.abandon()
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.raised, clock.monotonic() - began


def soon(condition, seconds=10):
    """What the condition gives as soon as that is true."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.005)
    return found
