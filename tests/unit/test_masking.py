"""No form of a secret is left in what was masked, and nothing else is changed."""

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseapp.masking import MASK, Masker

SECRET = 'p4ss"wörd/with+all &<signs>\\ =%'

FORMS = {
    "plain": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "percent": lambda text: quote(text, safe=""),
    "percent, slashes kept": quote,
    "percent, plus": quote_plus,
    "percent, small letters": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, not only ascii": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text))[1:-1],
    "html": html.escape,
    "hex": lambda text: text.encode().hex(),
    "hex, capitals": lambda text: text.encode().hex().upper(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_a_secret_is_masked(form):
    masked = Masker([SECRET]).text(f"before {form(SECRET)} after")
    assert form(SECRET) not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert MASK in masked


@pytest.mark.parametrize("before", ["", "a", "ab", "user:", "longer text before it: "])
@pytest.mark.parametrize("after", ["", "z", "yz", " and what follows"])
def test_a_secret_within_longer_base64_is_masked(before, after):
    secret = "correct horse battery"
    text = base64.b64encode(f"{before}{secret}{after}".encode()).decode()
    masked = Masker([secret]).text(text)
    assert MASK in masked
    for shift in range(3):
        core = base64.b64encode(b"\0" * shift + secret.encode()).decode()[4:-4]
        assert not [core[at : at + 8] for at in range(len(core) - 7) if core[at : at + 8] in masked]


def test_secrets_that_overlap_or_contain_each_other_leave_nothing():
    masker = Masker(["abcdefgh", "efghijkl", "cdef"])
    assert masker.text("xabcdefghijklx cdef") == f"x{MASK}x {MASK}"


def test_each_line_of_a_secret_of_several_is_masked():
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nqhkiG9w0BAQEFA\n-----END KEY-----"
    masked = Masker([key]).text("it logged qhkiG9w0BAQEFA alone")
    assert masked == f"it logged {MASK} alone"


def test_keys_and_values_of_json_are_masked_and_other_things_stay():
    value = {"list": [1, True, None, "my secret!"], "my secret!": {"deep": "my secret!"}}
    assert Masker(["my secret!"]).value(value) == {"list": [1, True, None, MASK], MASK: {"deep": MASK}}


def test_without_secrets_and_for_short_ones_nothing_happens():
    value = {"a": ["b"]}
    assert Masker([]).value(value) is value
    assert Masker(["", "abc"]).text("abc abc") == "abc abc"
    assert SECRET not in repr(Masker([SECRET]))


def test_masking_is_quick_whatever_comes():
    masker = Masker([f"secret number {number} of many" for number in range(50)])
    for text in ("s" * 1_000_000, "secret number " * 70_000, "%" * 1_000_000):
        begin = time.thread_time()
        masker.text(text)
        assert time.thread_time() - begin < 5


secrets = st.lists(st.text(min_size=4, max_size=30), min_size=1, max_size=4)
surroundings = st.text(max_size=40)


@given(secrets, st.sampled_from(list(FORMS.values())), surroundings, surroundings)
def test_no_form_of_any_secret_is_left(found, form, before, after):
    written = form(found[0])
    if len(written) >= 4:
        masked = Masker(found).text(f"{before} {written} {after}")
        assert written not in masked.replace(MASK, "\0")


@given(secrets, st.sampled_from(list(FORMS.values())), st.lists(surroundings, max_size=4), st.data())
def test_a_text_in_chunks_is_masked_as_it_would_be_whole(found, form, parts, data):
    text = form(found[0]).join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    chunks = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    stream = Masker(found).stream()
    shown = [stream.feed(chunk) for chunk in chunks] + [stream.end()]
    assert "".join(shown) == Masker(found).text(text)


@given(st.text(alphabet="abc \n", max_size=200))
def test_text_without_secrets_is_unchanged(text):
    assert Masker(["xyzw", "not in here"]).text(text) == text
