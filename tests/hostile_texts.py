"""Texts and data that YAML easily takes for something else."""

from hypothesis import strategies as st

HOSTILE = (
    *("yes", "no", "~", "null", "True", "0x1F", "1e3", "1:30", "012", "+1", ".inf", "1.", "2020-01-01", "=", "<<", "ٳ"),
    *("  a", "a  ", "a: b", "a #b", "#", "- a", "\t", "\ta", "a\tb", "'", '"', "\\", "%", "@", "`", "!x", "&a", "*a"),
    *("? a", ": a", ":", "a:", "---", "...", "{{ x }}", '{{ x | default("y") }}', "x" * 3000, "a " * 2000, "k:" * 800),
    *("a\n", "a\n\n", "\na", "a\n b\n  c\n", "a\n \nb", "\n", "a\n\tb", "a\n#b", "a\n---\nb", "a\r\nb", "\r"),
    *("\u2028", "a\u0085b", "\u2029x", "\ufeff", "😀", "\x7f", "\uffff", "\U0010ffff", "é"),
)
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
    st.text("ab \n\t:#-'\"{}", max_size=20),
)
data = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(texts, inner, max_size=5)),
    max_leaves=25,
)
