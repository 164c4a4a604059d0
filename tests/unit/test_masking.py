"""No form of a secret is left in what was masked, and nothing else is changed."""

import base64
import html
import json
import re
import time
from functools import reduce
from urllib.parse import quote, quote_plus

import markupsafe
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseapp.masking import MASK, Masker, forms_of

SECRET = "p4ss\"wörd/with+all &<signs>\\ =%~'"

FORMS = {
    "plain": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "percent": lambda text: quote(text, safe=""),
    "percent, slashes kept": quote,
    "percent, plus": quote_plus,
    "percent, small letters": lambda text: _small(quote(text, safe="")),
    "percent, as JavaScript has it": lambda text: quote(text, safe="!'()*"),
    "percent, as JavaScript has whole addresses": lambda text: quote(text, safe=";,/?:@&=+$!'()*#"),
    "percent, as forms have it": lambda text: quote_plus(text, safe="*").replace("~", "%7E"),
    "percent, all of it": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent, all of it in small letters": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, not only ascii": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text))[1:-1],
    "json, slashes escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json, capitals": lambda text: re.sub(
        r"\\u[0-9a-f]{4}", lambda found: found[0].upper().replace("U", "u"), json.dumps(text)[1:-1]
    ),
    "json, fit for html": lambda text: reduce(
        lambda said, sign: said.replace(sign, f"\\u{ord(sign):04x}"), "<>&'", json.dumps(text)[1:-1]
    ),
    "json of msgspec": lambda text: msgspec.json.encode(text).decode()[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "html": html.escape,
    "html, text alone": lambda text: html.escape(text, quote=False),
    "html of templates": lambda text: str(markupsafe.escape(text)),
    "html, named": lambda text: html.escape(text, quote=False).replace('"', "&quot;").replace("'", "&apos;"),
    "hex": lambda text: text.encode().hex(),
    "hex, capitals": lambda text: text.encode().hex().upper(),
}


def _small(text):
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


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


@pytest.mark.parametrize("secret", ["abcd", "12345", "s3cr3t", "wörter", "correct horse"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_what_stays_the_same_of_a_secret_in_longer_base64_is_masked_at_every_place(secret, encode):
    data = secret.encode()
    for before in range(7):
        text = encode(b"\xff" * before + data + b"\xff" * 5).decode()
        # Only what holds no bit of the neighbours can be known.
        first, last = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
        assert Masker([secret]).text(text) == text[:first] + MASK + text[last:]


def test_base64_that_is_broken_into_lines_is_masked():
    secret = "".join(chr(33 + number * 7 % 90) for number in range(200))
    wrapped = base64.encodebytes(secret.encode()).decode()
    assert Masker([secret]).text(wrapped).replace(MASK, "").strip() == ""


@given(st.text(min_size=4, max_size=20).filter(str.strip), st.data())
def test_hexadecimal_digits_are_known_in_capitals_and_small_letters_mixed(secret, data):
    digits = secret.encode().hex()
    for form in (digits, "%" + "%".join(digits[at : at + 2] for at in range(0, len(digits), 2))):
        turned = data.draw(st.lists(st.booleans(), min_size=len(form), max_size=len(form)))
        mixed = "".join(sign.upper() if up else sign for sign, up in zip(form, turned, strict=True))
        assert Masker([secret]).text(f"<{mixed}>") == f"<{MASK}>"


def test_a_secret_is_known_without_the_white_space_around_it():
    assert Masker(["hunter22\n"]).text("it was hunter22, of course") == f"it was {MASK}, of course"


def test_half_a_pair_of_unicode_is_no_reason_to_fail():
    masker = Masker(["pass\ud800word"])
    assert masker.text("a pass\ud800word \udc00") == f"a {MASK} \udc00"
    stream = masker.stream()
    assert [stream.feed(part) for part in ("pass\ud800", "wor", "d\ud83d")] == ["", "", MASK + "\ud83d"]


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


def test_keys_that_look_the_same_when_masked_keep_what_is_behind_them():
    value = {"first secret": 1, "second secret": 2, MASK: 3}
    masked = Masker(["first secret", "second secret"]).value(value)
    assert masked == {MASK: 1, f"{MASK} (2)": 2, f"{MASK} (3)": 3}


def test_without_secrets_and_for_short_ones_nothing_happens():
    value = {"a": ["b"]}
    assert Masker([]).value(value) is value
    assert Masker(["", "abc"]).text("abc abc") == "abc abc"
    stream = Masker([]).stream()
    assert (stream.feed("at once"), stream.end()) == ("at once", "")
    assert Masker(["      ", "\n\n\n\n"]).text("      \n\n\n\n") == "      \n\n\n\n"


def test_a_masker_does_not_tell_its_secrets():
    masker = Masker([SECRET])
    told = repr(masker) + str(masker) + repr(masker.stream()) + f"{masker}"
    assert not [form for form in forms_of(SECRET) if form in told]


@pytest.mark.parametrize("length", range(4, 20))
def test_a_secret_of_any_length_is_found_wherever_it_stands(length):
    secret = "q7Wx2-Zk9vTb4_Lm8pRs"[:length]
    masker = Masker([secret])
    for before in range(9):
        for after in range(9):
            assert masker.text("é" * (before % 2) + "." * before + secret + "." * after) == (
                "é" * (before % 2) + "." * before + MASK + "." * after
            )


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_form_that_comes_sign_by_sign_is_masked(form):
    stream = Masker([SECRET]).stream()
    shown = [stream.feed(sign) for sign in f"<<{form(SECRET)}>>"]
    assert "".join([*shown, stream.end()]) == Masker([SECRET]).text(f"<<{form(SECRET)}>>")
    assert form(SECRET) not in "".join(shown)


def test_a_stream_holds_back_only_what_may_be_a_secret():
    stream = Masker(["correct horse battery staple", "unrelated" * 100]).stream()
    assert stream.feed("All is well, and corr") == "All is well, and "
    assert stream.feed("ections are many; correct horse") == "corrections are many; "
    assert stream.feed(" battery staple!") == f"{MASK}!"
    assert stream.feed("corr") == ""
    assert stream.end() == "corr"


MANY = [f"secret number {number} of many" for number in range(50)]


@pytest.mark.parametrize(
    ("secrets_given", "text"),
    [
        (MANY, "an ordinary line of a log, as they are written all day\n" * 18_000),
        (MANY, base64.b64encode(bytes(range(256)) * 3000).decode()),
        (MANY, "secret number " * 70_000),
        (MANY, "secret number 7 of man " * 43_000),
        (MANY, "%73%65%63%72%65%74%20" * 47_000),
        (["a" * 5000, "ab" * 2500, "a" * 40], "a" * 1_000_000),
        (["a" * 5000 + "b", "a" * 40 + "c"], "a" * 1_000_000),
    ],
    ids=["ordinary", "base64", "beginnings", "nearly", "percent", "of one letter", "never at its end"],
)
def test_masking_takes_time_by_the_length_of_the_text_whatever_comes(secrets_given, text):
    masker = Masker(secrets_given)
    begin = time.thread_time()
    masker.text(text)
    # Some twenty milliseconds as a rule; the bound is wide, for what would be wrong takes minutes.
    assert time.thread_time() - begin < 4


def test_an_ordinary_megabyte_is_masked_in_no_time():
    masker = Masker(MANY)
    text = "an ordinary line of a log, as they are written all day\n" * 18_000

    def seconds():
        begin = time.thread_time()
        masker.text(text)
        return time.thread_time() - begin

    assert min(seconds() for _ in range(5)) < 0.15


def test_a_stream_of_small_chunks_is_quick_though_a_secret_is_long():
    stream = Masker(["-----BEGIN KEY-----\n" + "0123456789abcdef" * 200]).stream()
    begin = time.thread_time()
    for _ in range(5000):
        stream.feed("a few words of a log -----BE")
    assert time.thread_time() - begin < 4


secrets = st.lists(st.text(min_size=4, max_size=30).filter(str.strip), min_size=1, max_size=4)
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


def occurrences(text, forms):
    """Where forms are, looked for in the simplest way: every place that is part of one."""
    covered = [False] * len(text)
    for form in forms:
        place = text.find(form)
        while place >= 0:
            covered[place : place + len(form)] = [True] * len(form)
            place = text.find(form, place + 1)
    return covered


few = st.text(alphabet="ab", min_size=4, max_size=9)


@given(st.lists(few, min_size=1, max_size=6), st.text(alphabet="abc", max_size=80), st.data())
def test_nothing_of_secrets_in_each_other_is_left_and_nothing_else_is_gone(found, text, data):
    covered = occurrences(text, found)
    wanted = re.sub("\0+", MASK, "".join("\0" if hidden else sign for sign, hidden in zip(text, covered, strict=True)))
    assert Masker(found).text(text) == wanted
    stream, shown, rest = Masker(found).stream(), "", text
    while rest:
        size = data.draw(st.integers(1, 9))
        shown, rest = shown + stream.feed(rest[:size]), rest[size:]
    assert shown + stream.end() == wanted


@given(secrets, st.binary(max_size=9), st.binary(max_size=9))
def test_of_any_secret_in_any_longer_base64_what_stays_the_same_is_gone(found, before, after):
    data = found[0].encode()
    text = base64.b64encode(before + data + after).decode()
    core = text[(len(before) * 8 + 5) // 6 : (len(before) + len(data)) * 8 // 6]
    assert all(core not in part for part in Masker(found).text(text).split(MASK))
