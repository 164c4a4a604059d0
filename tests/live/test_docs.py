"""The example of docs/live.md does what the page says."""

import re
import threading
from pathlib import Path
from typing import get_args

from releaseapp.auth import service as auth
from releaseapp.live import presence
from releaseapp.live.messages import Said
from releaseapp.live.protocol import Close
from releaseapp.server import Options

PAGE = Path(__file__).parents[2] / "docs" / "live.md"


def test_the_example_follows_through_a_restart_and_ends_when_signed_out(serve, world, frames, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    monkeypatch.setattr(names["random"], "uniform", lambda *_: 0.05)
    heard, ended = [], []
    first = serve()

    def run():
        ended.append(names["follow"](f"ws://127.0.0.1:{first.port}", world.tokens["vera"], heard.append))

    def numbers():
        return [event["data"]["number"] for event in heard if event["data"]["number"]]

    def is_greeted():
        # What happens between the opening and the greeting is not for somebody who follows from now on.
        world.happen("cobalt", number=0)
        return bool(heard)

    follower = threading.Thread(target=run, daemon=True)
    follower.start()
    frames.wait_until(is_greeted)
    world.happen("cobalt", number=1)
    frames.wait_until(lambda: numbers() == [1])
    first.stop()
    world.happen("cobalt", number=2)
    second = serve(options=Options(port=first.port))
    frames.wait_until(lambda: second.counters.open == 1, 10)
    world.happen("cobalt", number=3)
    frames.wait_until(lambda: numbers() == [1, 2, 3])
    auth.end_session(world.db, world.people["vera"].id, world.sessions["vera"])
    follower.join(10)
    assert ended == [4401]
    assert numbers() == [1, 2, 3]


def test_every_close_code_of_the_server_is_explained():
    text = PAGE.read_text(encoding="utf-8")
    own = set(Close) - {Close.NORMAL, Close.NO_CODE}
    assert [code for code in sorted(own) if str(int(code)) not in text] == []


def test_every_message_of_presence_is_explained():
    text = PAGE.read_text(encoding="utf-8")
    said = {kind.__struct_config__.tag for kind in get_args(Said)}
    live = Path(presence.__file__).parent
    told = {kind for path in live.glob("*.py") for kind in re.findall(r'type="([a-z._]+)"', path.read_text())}
    assert {"watch", "force", "pong"} <= said
    assert {"presence", "lock.lost", "hello"} <= told
    assert [kind for kind in sorted(said | told) if f'{{"type": "{kind}"' not in text] == []
