"""How our parameters become those of psycopg."""

import pytest

from releaseapp.db.placeholders import for_psycopg


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT :id", "SELECT %(id)s"),
        (":a,:b_2+:_c", "%(a)s,%(b_2)s+%(_c)s"),
        ("(:a)::text", "(%(a)s)::text"),
        ("CAST(x AS TEXT)::int8::text", "CAST(x AS TEXT)::int8::text"),
        (":a::jsonb", "%(a)s::jsonb"),
        ("a[1:2]", "a[1:2]"),
        ("x % 2 = :y", "x %% 2 = %(y)s"),
        ("LIKE '50%' || :a", "LIKE '50%%' || %(a)s"),
        ("'12:30 :no' :yes", "'12:30 :no' %(yes)s"),
        ("'it''s :no' :yes", "'it''s :no' %(yes)s"),
        ('":no" ":n""o" :yes', '":no" ":n""o" %(yes)s'),
        ("-- isn't :no\n:yes", "-- isn't :no\n%(yes)s"),
        ("/* isn't\n:no 5% */ :yes", "/* isn't\n:no 5%% */ %(yes)s"),
        ("'-- ' :yes", "'-- ' %(yes)s"),
        ("'/*' :yes '*/'", "'/*' %(yes)s '*/'"),
        ("%(id)s", "%%(id)s"),
        ("'é' || :ü", "'é' || :ü"),
    ],
)
def test_parameters_are_found_where_they_are_and_nowhere_else(ours, theirs):
    assert for_psycopg(ours).decode() == theirs
