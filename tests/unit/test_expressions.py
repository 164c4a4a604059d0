"""Expressions: what they give, what they refuse, and that nothing hostile takes long or much."""

import json
import re
import time
import tracemalloc
from pathlib import Path

import pytest

from releaseapp.expressions import ExpressionError, check, names, references, rename_step, render
from releaseapp.expressions.filters import FILTERS
from releaseapp.expressions.methods import METHODS
from releaseapp.expressions.templates import kept
from releaseapp.expressions.tests import TESTS

PAGE = (Path(__file__).parent.parent.parent / "docs" / "expressions.md").read_text()
INPUT = {"name": "Ada", "numbers": [3, 1, 2], "tags": ["b", "a", "b"]}
BIG = {
    "text": "a b" * 300_000,
    "list": list(range(90_000)),
    "people": [{"name": "x", "age": 1}] * 20_000,
    "a": "a" * 1_000_000,
    "emoji": "😀" * 1_000_000,
    "ligature": "ﬃ" * 1_000_000,
    "wide": "ሴ" * 99_000,
    "json": "[" + ",".join(['{"":0}'] * 90_000) + "]",
}
# As a tree it has a billion items, in memory three thousand.
SHARED = "[[[0] * 1000] * 1000] * 1000"


def examples():
    for line in PAGE.splitlines():
        found = re.match(r"\| `(.*\{\{.*)` \| `(.*)` \|$", line)
        if found:
            yield found[1].replace("\\|", "|"), json.loads(found[2])


def test_the_page_has_examples():
    assert len(list(examples())) == 14


@pytest.mark.parametrize(("template", "result"), list(examples()))
def test_an_example_of_the_page_gives_what_it_says(template, result):
    assert render(template, {"input": INPUT}) == result


@pytest.mark.parametrize("name", sorted({*FILTERS, *TESTS, *METHODS}))
def test_everything_that_can_be_named_is_on_the_page(name):
    assert re.search(rf"`{name}[`(]", PAGE), name


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("plain", "plain"),
        ("{ not one }", "{ not one }"),
        ("{{ none }}|{{ true }}|{{ 1.5 }}|{{ [1, none] }}", "|true|1.5|[1,null]"),
        ({"a": ["{{ x }}", {"{{ x }}": "{{ x }}!"}], "b": 3}, {"a": [1, {"{{ x }}": "1!"}], "b": 3}),
        ("{# a note #}{{ x }}", 1),
        ("line\n", "line\n"),
        ("{{ x }}\n", "1\n"),
        ("{{ m.items }}", [1]),
        ("{{ m.get('no', 'other') }}", "other"),
        ("{{ m.keys() }}", ["items"]),
        ("{{ 7 // 2 }}{{ 7 % 2 }}{{ 2 ** 10 }}", "311024"),
        ("{{ 'abc'[::-1] }}", "cba"),
        ("{{ x if x > 5 }}", None),
        ("{{ 1 < 2 < 3 }}", True),
        ("{{ '12' | int + 1 }}", 13),
        ("{{ 'no' | int(7) }}", 7),
        ("{{ 2.5 | round(0, 'floor') }}", 2.0),
        ("{{ people | map(attribute='age') | max }}", 3),
        ("{{ people | selectattr('age', 'gt', 2) | map(attribute='name') | first }}", "b"),
        ("{{ people | sort(attribute='name', reverse=true) | map(attribute='name') | join }}", "ba"),
        ("{{ '[1, {\"a\": null}]' | fromjson }}", [1, {"a": None}]),
        ("{{ {'b': 1, 'a': 2} | dictsort }}", [["a", 2], ["b", 1]]),
        ("{{ range(7) | batch(3) }}", [[0, 1, 2], [3, 4, 5], [6]]),
        ("{{ 'a long text' | truncate(6) }}", "a lon…"),
    ],
)
def test_values_come_out_as_they_should(template, result):
    people = [{"name": "a", "age": 1}, {"name": "b", "age": 3}]
    found = render(template, {"x": 1, "m": {"items": [1]}, "people": people})
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ nobody }}", "There is no 'nobody' here; there is input."),
        ("{{ input.nmae }}", "There is no key 'nmae'; there is name, numbers, tags."),
        ("{{ input.numbers[9] }}", "There is no item 9; there are 3."),
        ("{{ input.name + 1 }}", "~ joins values as text"),
        ("{{ 1 / 0 }}", "divides by zero"),
        ("{{ [] | first }}", "no first of nothing"),
        ("{{ input.numbers | nope }}", "There is no filter 'nope'"),
        ("{{ input is nope }}", "There is no test 'nope'"),
        ("{{ input.numbers | sort(attribute='x') }}", "A number has no 'x'"),
        ("{{ 'x' | fromjson }}", "not JSON"),
        ("{{ [3, 'a'] | sort }}", "Only numbers, or only texts, have an order, not number and text"),
        ("{{ 3 < 'a' }}", "A number and a text have no order."),
        ("{{ 'a' | replace(1, 2) }}", "takes two texts"),
        ("{{ 'a' | truncate }}{{ 'a' | upper(1, 2, 3) }}", "upper does not take these arguments"),
        ("{{ ['a'] | map('upper', 1) }}", "cannot be evaluated"),
        ("{{ (", "unexpected"),
        ("{% if x %}{% endif %}", "statements"),
    ],
)
def test_what_cannot_be_is_told_with_the_expression_and_the_reason(template, told):
    with pytest.raises(ExpressionError, match=re.escape(told)) as caught:
        render(template, {"input": INPUT})
    assert template[:10] in str(caught.value)


HOSTILE = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ input.__init__.__globals__ }}",
    "{{ ''['__class__'] }}",
    "{{ '' | attr('__class__') }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '%(a)1000000000d' % {'a': 1} }}",
    "{{ '%s' | format(1) }}",
    "{{ ['__class__'] | map('attr') | list }}",
    "{{ [''] | map(attribute='__class__') | list }}",
    "{{ range.__self__ }}",
    "{{ self.__init__ }}",
    "{{ lipsum(1000) }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ joiner }}",
    "{{ namespace() }}",
    "{{ super() }}",
    "{{ loop }}",
    "{{ range(10 ** 9) }}",
    "{{ range(0, 10 ** 30, 1) | list }}",
    "{{ 'a' * 10 ** 9 }}",
    "{{ 10 ** 9 * 'a' }}",
    "{{ [1] * 10 ** 9 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 2 ** 256 * 2 ** 256 }}",
    "{{ 2.0 ** 100000 }}",
    "{{ (-8) ** 0.5 }}",
    "{{ 1e999 }}",
    "{{ 1e308 * 10 - 1e308 * 10 }}",
    "{{ " + "9" * 3900 + " }}",
    "{{ '" + "9" * 3000 + "' | int }}{{ none.x }}",
    "{{ " + "(" * 1900 + "1" + ")" * 1900 + " }}",
    "{{ " + "[" * 1900 + "]" * 1900 + " }}",
    "{{ " + "-" * 3900 + "1 }}",
    "{{ " + "not " * 950 + "1 }}",
    "{{ x" + "|list" * 750 + " }}",
    "{{ x" + ".a" * 1900 + " }}",
    "{{ 1" + "+1" * 1900 + " }}",
    "{{ " + "1 if 0 else " * 320 + "nobody }}",
    "{{ 'x' ~ " * 400 + "'y' }}",
    "x" * 20_001 + "{{ 1 }}",
    "{{ range(10000) | map('select', 'in', range(10000)) | list }}",
    "{{ range(9999) | map('string') | map('upper') | map('lower') | map('length') | map('string') | list | unique }}",
    "{{ big.list | map('string') | join(big.text) }}",
    "{{ big.text | replace('a', big.text) }}",
    "{{ big.text.split(' ') }}",
    "{{ big.text.split('a') | map('upper') | join }}",
    "{{ big.list | sort | reverse | sort | unique | sort }}",
    "{{ big.list + big.list }}",
    "{{ [big, big, big, big, big, big] | tojson }}",
    "{{ [[[[big.list, big.list], [big.list, big.list]]]] }}",
    "{{ big.list | batch(1) | map('batch', 1) | list }}",
    "{{ big.text ~ big.text ~ big.text ~ big.text }}",
    "{{ big.people | map('dictsort') | map('tojson') | map('fromjson') | list }}",
    "{{ big.list in [big.list] and big.list not in big.people and 5 in [big.list, big.people] | list }}{{ nobody }}",
    "{{ '\\ud800' }}",
    "{{ ('[' * 90000) | fromjson }}",
    "{{ 1 | round(10 ** 9) }}",
    "{{ 'x' | tojson(10 ** 9) }}",
    f"{{{{ {SHARED} == {SHARED} }}}}",
    f"{{{{ {SHARED} < {SHARED} }}}}",
    f"{{{{ {SHARED} in [{SHARED}] }}}}",
    f"{{{{ [{SHARED}] | select('eq', {SHARED}) }}}}",
    f"{{{{ [{SHARED}, {SHARED}] | sort | length }}}}",
    f"{{{{ [{SHARED}, {SHARED}] | max | length }}}}",
    f"{{{{ {{'a': {SHARED}, 'b': {SHARED}}} | dictsort(false, 'value') | length }}}}",
    f"{{{{ {{}}[{SHARED}] }}}}",
    f"{{{{ [1] | map(attribute={SHARED}) }}}}",
    f"{{{{ [1] | select({SHARED}) }}}}",
    f"{{{{ 'x' ~ {SHARED} }}}}",
    f"{{{{ {SHARED} }}}}",
    "{{ big.a.strip('b' * 900000 ~ 'a') }}",
    "{{ [big.a] * 1000 | sort | length }}{{ ([big.a] * 1000) | sort }}",
    "{{ ([big.a] * 1000) | max(attribute='0') }}{{ ([big.a] * 1000) | max }}{{ nobody }}",
    "{{ ([[big.list]] * 1000) | unique }}",
    "{{ ([[big.text]] * 1000) | map('tojson') }}",
    "{{ ([big.wide] * 1000) | map('list') }}",
    "{{ ([big.wide] * 1000) | map('first') | join(big.wide) }}",
    "{{ ([big.ligature] * 1000) | map('upper') }}",
    "{{ ([big.emoji] * 1000) | map('reverse') }}",
    "{{ [" + ",".join(f"(big.emoji[1:] ~ '{number}')" for number in range(40)) + "] | length }}",
    "{{ (['a'] * 1000) | map('replace', 'a', big.a) }}",
    "{{ ([[1, 2]] * 1000) | map('join', big.text) }}",
    "{{ ('a' * 900000 ~ 'c') in [('a' * 900000 ~ 'b')] * 90000 }}",
    "{{ [" + "big.json | fromjson, " * 5 + "] | length }}",
    "{{ ('[' ~ '[],' * 300000 ~ '1]') | fromjson }}",
    "{{ ('9' * 900000) | fromjson }}",
    "{{ [[[[[[[[[[[0]]]]]]]]]]] * 90000 }}",
    "{{ " + "[" * 48 + "big.list" + "]" * 48 + " | tojson(8) | length }}",
    "{{ big.people | map(attribute='a.' * 499999) }}",
    "{{ " + " or ".join(["({}[big.a] is defined)"] * 180) + " or nobody }}",
    "{{ '}}' ~ [" + "1," * 9_900 + "] }}",
    "{{ {'a': {}} == [" + "1," * 9_900 + "] }}",
    "{{ '}}' ~ 1" + "+1" * 9_000 + " }}",
    "{{ '}}' ~ " + "(" * 9_900 + "1" + ")" * 9_900 + " }}",
    "{{1}}" * 3_000,
    "{{ big.a }}" * 1_000,
    "{{ {'\\ud800': 1} }}",
    "\ud800{{ nobody }}",
    "{{ range(*[1, 2]) }}",
    "{{ 'x'.split(**{'sep': 1}) }}",
]


@pytest.mark.parametrize("template", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_hostile_gets_through_takes_long_or_takes_much(template):
    variables = {"input": INPUT, "x": [1], "big": BIG}

    def attack():
        kept.cache_clear()
        with pytest.raises(ExpressionError):
            render(template, variables)

    # The thread's own time: what others do on a busy machine is not the expression's.
    fastest = 1.0
    for _ in range(3):
        begin = time.thread_time()
        attack()
        fastest = min(fastest, time.thread_time() - begin)
    assert fastest < 0.1
    tracemalloc.start()
    try:
        attack()
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_doubling_over_several_renderings_ends_at_the_limit():
    value = ["x" * 100]
    with pytest.raises(ExpressionError, match="too large"):
        for _ in range(60):
            value = render("{{ [v, v] }}", {"v": value})


def test_large_data_may_be_used_as_long_as_the_work_is_small():
    assert render("{{ big.list | length }} {{ big.people[5].name }} {{ big.text[:3] }}", {"big": BIG}) == "90000 x a b"


def test_what_went_wrong_can_be_stored_and_sent_whatever_the_expression_holds():
    for template in (
        "\ud800{{ nobody }}",
        "{{ \ud800 }}",
        "{{ '\0' | nope }}\0",
        "{{ {}[big.emoji] }}",
        "{{ x }}" * 2_000,
    ):
        with pytest.raises(ExpressionError) as caught:
            render(template, {"big": BIG})
        assert len(str(caught.value).encode()) < 2_000
        assert "\0" not in str(caught.value)


def test_waiting_for_a_busy_machine_does_not_make_an_expression_fail():
    class Slow(dict):
        def __getitem__(self, name):
            time.sleep(0.1)
            return super().__getitem__(name)

    assert render("{{ range(5000) | map('string') | list | length }} {{ x }} {{ range(5000) | sum }}", Slow(x=1)) == (
        "5000 1 12497500"
    )


def test_a_long_text_without_an_expression_has_no_fault():
    assert check({"a": "x" * 30_000}) == []
    assert names("x" * 30_000) == set()
    assert render("x" * 30_000, {}) == "x" * 30_000


def test_arguments_that_do_not_fit_are_a_fault_before_anything_runs():
    faults = check(["{{ x | upper(1) }}", "{{ x is divisibleby }}", "{{ x.get() }}", "{{ x | sort(nope=1) }}"])
    assert [fault.pointer for fault in faults] == ["/0", "/1", "/2", "/3"]
    assert "upper does not take these arguments" in faults[0].detail


def test_every_fault_of_a_template_is_found_without_evaluating_it():
    faults = check({"a": ["{{ x | nope }}", "{{ nobody_here }}", "{{ ("], "b/c": {"~": "{% if %}"}})
    assert [fault.pointer for fault in faults] == ["/a/0", "/a/2", "/b~1c/~0"]
    assert all(fault.detail.endswith(".") for fault in faults)


def test_the_names_that_a_template_refers_to_are_known():
    template = {"a": "{{ steps.fetch.output.items[0] }}", "b": ["{{ input['q'] | default(other) }}", "{{ x[key] }}"]}
    assert names(template) == {
        ("steps", "fetch", "output", "items"), ("input", "q"), ("other",), ("x",), ("key",)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("{{ steps.keep.output | length }}", [("steps", "keep", "output")]),
        ("{{ steps['keep'].output[0].x }}", [("steps", "keep", "output")]),
        ("{{ steps . keep['out' 'put'][input.key]['x'] }}", [("steps", "keep", "output"), ("input", "key")]),
        ("{{ steps.a.output.split(steps.b.output)[0].x }}", [("steps", "a", "output"), ("steps", "b", "output")]),
        ("{{ range(n) | map('default', steps.a) | list }}", [("n",), ("steps", "a")]),
        ("{{ {'steps': steps}.steps.a }}{{ 'steps.b' }} steps.c", [("steps",)]),
        ("{{ x is divisibleby steps.a[1:m] }}", [("x",), ("steps", "a"), ("m",)]),
        ("{# {{ steps.a }} #}{% raw %}{{ steps.b }}{% endraw %}{{- x -}}", [("x",)]),
        ("{{ steps.a | nope }}{{ steps.b.__class__ }}", [("steps", "a"), ("steps", "b", "__class__")]),
        ("{{ steps.a }} {{ ( }} {{ steps.b }} {{ ? }}{{- steps.c -}} {{ steps.d", [("steps", x) for x in "abc"]),
        (["{{ a }}", {"{{ b }}": {"k": "{{ c }}"}}, 3, None], [("a",), ("c",)]),
        ("{{ 1 }}" + "{{ x }}" * 10_000, []),
    ],
)
def test_the_paths_that_a_template_reads_are_known_even_when_parts_of_it_cannot_be_read(template, paths):
    assert references(template) == set(paths)


@pytest.mark.parametrize(
    ("template", "renamed"),
    [
        ("{{ steps.old.output }}", "{{ steps.new.output }}"),
        ("{{steps['old']}}{{ steps[\"old\"] }}", "{{steps['new']}}{{ steps[\"new\"] }}"),
        ("{{ steps . old [0]\t}}\r\n\r{{-\nsteps.old -}} \n", "{{ steps . new [0]\t}}\r\n\r{{-\nsteps.new -}} \n"),
        ("{{ (steps).old }}{{ steps[ ('o'  'ld') ] }}", "{{ (steps).new }}{{ steps[ ('new') ] }}"),
        ("{{ steps['\\x6fld'] }}{{ steps['o\\\nld'] }}", "{{ steps['new'] }}{{ steps['new'] }}"),
        ("{{ x[steps.old.key].a ~ steps.old.output.upper() }}", "{{ x[steps.new.key].a ~ steps.new.output.upper() }}"),
        ("{{ x is divisibleby steps.old }}", "{{ x is divisibleby steps.new }}"),
        ("{{ steps.old | nope }}{{ ( }}{{ steps.old }}", "{{ steps.new | nope }}{{ ( }}{{ steps.new }}"),
        ("😀é{{ '😀' ~ steps.old }}", "😀é{{ '😀' ~ steps.new }}"),
        (
            ["{{ steps.old }}", {"{{ steps.old }}": "{{ steps.old }}"}],
            ["{{ steps.new }}", {"{{ steps.old }}": "{{ steps.new }}"}],
        ),
        *(
            (same, same)
            for same in (
                "steps.old",
                "{{ 'steps.old' }}",
                "{{ x.steps.old }}{{ steps.older.old }}{{ steps.x.old }}",
                "{{ {'steps': {'old': 1}}.steps.old }}",
                "{{ steps[old] }}{{ old }}{{ old.steps }}{{ x(steps).old }}",
                "{# {{ steps.old }} #}{% raw %}{{ steps.old }}{% endraw %}",
                "{{ steps.old",
                "{% if steps.old %}x{% endif %}",
                3,
                None,
            )
        ),
    ],
)
def test_a_step_is_renamed_where_it_is_read_and_nothing_else_changes(template, renamed):
    assert rename_step(template, "old", "new") == renamed


def test_a_step_may_get_a_name_that_cannot_stand_behind_a_dot():
    renamed = rename_step("{{ steps.old.x }}{{ steps['old'] }}", "old", "it's\\")
    assert references(renamed) == {("steps", "it's\\", "x"), ("steps", "it's\\")}
