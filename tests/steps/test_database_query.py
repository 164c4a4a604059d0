"""``database.query`` on real SQLite files and a real PostgreSQL."""

import select
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from conftest import settings_for
from steps.context import Abandoning, secret, soon

from releaseapp.steps.api import Abandoned, StepFailed
from releaseapp.steps.database_query import DatabaseQuery, run
from releaseapp.storage import open_database
from releaseapp.wakeups import Work, open_wakeups


class Relay:
    """Brings TCP connections on 127.0.0.1 to a server that listens on a socket of its file system."""

    def __init__(self, path):
        self.path = path
        self.frozen = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.path)
            self._pairs.append((client, server))
            threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client, server):
        other = {client: server, server: client}
        try:
            while True:
                for one in select.select([client, server], [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        return
                    if not self.frozen.is_set():
                        other[one].sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            client.close()
            server.close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in self._pairs:
            for one in pair:
                one.close()


class Engine:
    """A database on one of the engines, the credential that names it, and a way to it beside the step."""

    def __init__(self, name, url, direct):
        self.name = name
        self.secret = secret("database", {"url": url}, name="orders")
        self._direct = direct

    def all(self, sql):
        with closing(self._direct()) as connection, connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def relay(postgres):
    folder = parse_qs(urlsplit(postgres.get_uri()).query)["host"][0]
    one = Relay(f"{folder}/.s.PGSQL.5432")
    yield one
    one.close()


@pytest.fixture
def engine(target, request):
    if not target.startswith("postgresql"):
        sqlite3.connect(target).close()
        made = Engine("sqlite", f"sqlite:///{target}", lambda: sqlite3.connect(target))
    else:
        import psycopg

        port = request.getfixturevalue("relay").port
        name = urlsplit(target).path
        made = Engine(
            "postgresql", f"postgresql://postgres:s3cret-pass@127.0.0.1:{port}{name}", lambda: psycopg.connect(target)
        )
    made.all("create table orders (id integer primary key, customer text, done integer not null default 0)")
    made.all("insert into orders (id, customer) values (1, 'Ada'), (2, 'Grace'), (3, null)")
    return made


@pytest.fixture
def ask(engine, context):
    """Runs a statement as a step: ``ask("select …", {"id": 1})``."""

    def ask(sql, parameters=None, *, seconds=30.0, **config):
        config = DatabaseQuery(credential="orders", sql=sql, parameters=parameters or {}, **config)
        return run(config, context(engine.secret, seconds=seconds)).output

    return ask


def refused(ask, *arguments, **config):
    with pytest.raises(StepFailed) as caught:
        ask(*arguments, **config)
    return caught.value


def test_rows_come_as_objects_by_the_names_of_their_columns(ask):
    assert ask("select id, customer from orders where id <= :most order by id", {"most": 2}) == {
        "rows": [{"id": 1, "customer": "Ada"}, {"id": 2, "customer": "Grace"}],
        "row_count": 2,
    }
    assert ask("select id from orders where customer = :who", {"who": "nobody"}) == {"rows": [], "row_count": 0}


def test_a_value_is_never_taken_for_sql(ask, engine):
    hostile = "x'; drop table orders; --"
    assert ask("select :text as said", {"text": hostile})["rows"] == [{"said": hostile}]
    assert ask("select ':text %s' as said -- :text", {"unused": 1})["rows"] == [{"said": ":text %s"}]
    assert len(engine.all("select id from orders")) == 3


def test_a_statement_that_may_write_changes_rows_and_says_how_many(ask, engine):
    assert ask("update orders set done = 1 where id > :id", {"id": 1}, write=True) == {"rows": [], "row_count": 2}
    assert engine.all("select id from orders where done = 1 order by id") == [(2,), (3,)]
    assert ask("with late as (select 3 as id) delete from orders where id in (select id from late)", write=True) == {
        "rows": [],
        "row_count": 1,
    }


def test_what_returning_gives_is_the_output(ask, engine):
    assert ask(
        "insert into orders (id, customer) values (:id, :who) returning id", {"id": 9, "who": "Alan"}, write=True
    ) == {
        "rows": [{"id": 9}],
        "row_count": 1,
    }
    assert (9,) in engine.all("select id from orders")


@pytest.mark.parametrize(
    "sql",
    [
        "update orders set done = 1",
        "insert into orders (id) values (7) returning id",
        "drop table orders",
        "create table other (id integer)",
    ],
)
def test_a_statement_that_may_only_read_is_kept_from_writing_by_the_engine(ask, engine, sql):
    error = refused(ask, sql)
    assert "set write to true" in str(error)
    assert not error.retryable
    assert engine.all("select count(*) from orders where done = 0") == [(3,)]


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("parameters", [{}, {"id": 1}])
def test_a_second_statement_is_refused_and_nothing_is_done(ask, engine, write, parameters):
    condition = "id = :id" if parameters else "id = 1"
    error = refused(ask, f"delete from orders where {condition}; delete from orders", parameters, write=write)
    assert "a step for each" in str(error)
    assert engine.all("select count(*) from orders") == [(3,)]


def test_more_rows_than_the_limit_are_an_error_that_names_it_and_change_nothing(ask, engine):
    error = refused(ask, "select id from orders", row_limit=2)
    assert "more than 2 rows" in str(error)
    assert not error.retryable
    assert ask("select id from orders", row_limit=3)["row_count"] == 3
    error = refused(ask, "update orders set done = 1 returning id", row_limit=2, write=True)
    assert "more than 2 rows" in str(error)
    assert engine.all("select count(*) from orders where done = 0") == [(3,)]


def test_rows_that_are_too_large_together_are_an_error_that_names_the_limit(ask, engine):
    text = "x" * 900_000
    engine.all(f"update orders set customer = '{text}'")
    sql = "select a.customer from orders a, orders b, orders c"
    assert "10 MB together" in str(refused(ask, sql))


def test_endless_rows_end_at_the_limit(ask):
    sql = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"
    assert "more than 5 rows" in str(refused(ask, sql, row_limit=5))


def test_two_columns_of_one_name_are_refused_rather_than_one_lost(ask):
    assert "called 'id'" in str(refused(ask, "select a.id, b.id from orders a, orders b"))


def test_a_parameter_without_a_value_is_named(ask):
    assert "customer_name" in str(refused(ask, "select * from orders where customer = :customer_name"))


def test_a_mistake_in_a_statement_is_told_in_the_words_of_the_engine_and_not_tried_again(ask):
    error = refused(ask, "select nothing_like_it from orders")
    assert "nothing_like_it" in str(error)
    assert not error.retryable


def test_a_rule_of_the_table_that_is_broken_is_not_tried_again(ask):
    error = refused(ask, "insert into orders (id) values (1)", write=True)
    assert "refused the statement" in str(error)
    assert not error.retryable


def test_a_list_and_an_object_can_be_parameters(ask, engine):
    one_of = "= any(:ids)" if engine.name == "postgresql" else "in (select value from json_each(:ids))"
    assert ask(f"select id from orders where id {one_of} order by id", {"ids": [1, 3]})["rows"] == [
        {"id": 1},
        {"id": 3},
    ]
    ask("update orders set customer = :who where id = 1", {"who": {"name": "Ada"}}, write=True)
    assert engine.all("select customer from orders where id = 1") == [('{"name":"Ada"}',)]


def test_numbers_text_and_nothing_keep_their_kind(ask):
    cast = "cast(:number as double precision) as number, cast(:text as text) as text, cast(:none as text) as none"
    row = ask(f"select {cast}", {"number": 1.5, "text": "ü ☃", "none": None})["rows"][0]
    assert row == {"number": 1.5, "text": "ü ☃", "none": None}


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_the_engine_may_not_keep_is_a_failure_and_no_crash(ask, engine, text):
    try:
        ask("select cast(:text as text) as said", {"text": text})
    except StepFailed as error:
        assert not error.retryable
    else:
        assert engine.name == "sqlite"


def test_a_statement_that_takes_longer_than_the_step_may_is_stopped(ask, engine):
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    assert "took longer" in str(refused(ask, endless, seconds=0.3))


def test_an_abandoned_statement_ends_within_a_second(engine, context):
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    given = context(engine.secret)
    step = Abandoning(run, DatabaseQuery(credential="orders", sql=endless), given)
    assert given.waited_on.wait(10)
    error, seconds = step.abandon()
    assert isinstance(error, Abandoned)
    assert seconds < 1


def test_only_a_database_credential_will_do(context):
    key = secret("api-key", {"key": "k-123456"}, name="orders")
    with pytest.raises(StepFailed, match="needs one of the type database"):
        run(DatabaseQuery(credential="orders", sql="select 1"), context(key))


# ── SQLite ───────────────────────────────────────────────────────────────────


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "orders.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table orders (id integer primary key, customer text)")
    return path


@pytest.fixture
def ask_file(file, context):
    def ask(sql, parameters=None, path=file, **config):
        given = secret("database", {"url": f"sqlite:///{path}"}, name="orders")
        config = DatabaseQuery(credential="orders", sql=sql, parameters=parameters or {}, **config)
        return run(config, context(given, seconds=5)).output

    return ask


@pytest.mark.parametrize(
    ("sql", "write"),
    [
        ("attach '{other}' as other", False),
        ("attach '{other}' as other", True),
        ("vacuum into '{other}.copy'", False),
        ("pragma query_only = off", False),
        ("pragma journal_mode = delete", True),
        ("pragma writable_schema = on", True),
        ("select * from pragma_database_list", False),
        ("commit", True),
        ("savepoint one", True),
        ("select load_extension('{other}')", True),
    ],
)
def test_no_statement_reaches_beyond_the_file(ask_file, tmp_path, sql, write):
    other = tmp_path / "other.db"
    error = refused(ask_file, sql.format(other=other), write=write)
    assert not error.retryable
    assert not other.exists()
    assert not (tmp_path / "other.db.copy").exists()


def test_the_tables_of_a_file_can_be_asked_for(ask_file):
    columns = ask_file("select name from pragma_table_info('orders')")["rows"]
    assert columns == [{"name": "id"}, {"name": "customer"}]


def test_full_text_search_works(ask_file, file):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create virtual table notes using fts5(text)")
        connection.execute("insert into notes values ('the build is green')")
    assert ask_file("select text from notes where notes match :word", {"word": "green"})["row_count"] == 1


def test_a_file_in_which_this_server_keeps_its_data_is_refused(ask_file, tmp_path):
    settings = settings_for(tmp_path / "server")
    open_database(settings).close()
    queue = open_wakeups(settings, Work.TASKS)
    queue.wake("tsk_1")
    queue.close()
    (tmp_path / "link.db").symlink_to(settings.agent_db_path)
    for path in (settings.agent_db_path, settings.queue_path, tmp_path / "link.db"):
        error = refused(ask_file, "select * from sqlite_schema", path=path)
        assert "database of its own" in str(error)
        assert not error.retryable


def test_a_file_that_is_not_there_is_not_made(ask_file, tmp_path):
    missing = tmp_path / "missing.db"
    assert "no SQLite file" in str(refused(ask_file, "create table t (a)", path=missing, write=True))
    assert not missing.exists()
    assert "no SQLite file" in str(refused(ask_file, "select 1", path=tmp_path))
    assert "whole path" in str(refused(ask_file, "select 1", path="orders.db"))


def test_the_name_of_a_file_is_taken_as_it_is(ask_file, file):
    odd = file.with_name("a ?mode=rwc&b%41#ü.db")
    file.rename(odd)
    assert ask_file("select count(*) as n from orders", path=odd)["rows"] == [{"n": 0}]


def test_a_file_that_is_no_database_is_told(ask_file, file):
    file.write_text("hello, this is no database at all" * 100)
    assert "not a database" in str(refused(ask_file, "select 1"))


@pytest.mark.parametrize("is_open", [False, True])
def test_a_file_with_a_log_of_writes_is_read_whether_others_have_it_open_or_not(ask_file, file, is_open):
    with closing(sqlite3.connect(file)) as other:
        other.execute("pragma journal_mode = wal")
        with other:
            other.execute("insert into orders (customer) values ('Ada')")
        if is_open:
            other.execute("begin immediate")
            assert ask_file("select customer from orders")["rows"] == [{"customer": "Ada"}]
    assert ask_file("select customer from orders")["rows"] == [{"customer": "Ada"}]


def test_a_locked_file_is_waited_for(ask_file, file):
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    with closing(holder):
        holder.execute("begin immediate")
        timer = threading.Timer(0.1, holder.execute, ["commit"])
        timer.start()
        assert ask_file("insert into orders (id) values (1)", write=True)["row_count"] == 1
        timer.join()


def test_a_file_that_stays_locked_may_be_tried_again(file, context, monkeypatch):
    monkeypatch.setattr("releaseapp.steps.sql.sqlite._MOST_SECONDS_OF_WAITING", 0.1)
    given = secret("database", {"url": f"sqlite:///{file}"}, name="orders")
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("begin exclusive")
        config = DatabaseQuery(credential="orders", sql="delete from orders", write=True)
        with pytest.raises(StepFailed, match="locked by another program") as caught:
            run(config, context(given))
    assert caught.value.retryable


def test_bytes_large_numbers_and_bad_text_of_sqlite_become_json(ask_file):
    row = ask_file("select x'00ff' as bytes, 9e999 as endless, cast(x'ff41' as text) as text, 9007199254740993 as big")
    assert row["rows"] == [{"bytes": "AP8=", "endless": "inf", "text": "\ufffdA", "big": 9007199254740993}]
    assert "64 bits" in str(refused(ask_file, "select :n as n", {"n": 2**70}))
    assert "too big" in str(refused(ask_file, "select zeroblob(50000000) as n"))


# ── PostgreSQL ───────────────────────────────────────────────────────────────


@pytest.fixture
def ask_postgres(relay, context):
    def ask(sql, parameters=None, *, url=None, seconds=30, **config):
        url = url or f"postgresql://postgres:s3cret-pass@127.0.0.1:{relay.port}/postgres"
        given = secret("database", {"url": url}, name="orders")
        config = DatabaseQuery(credential="orders", sql=sql, parameters=parameters or {}, **config)
        return run(config, context(given, seconds=seconds)).output

    return ask


pytestmark = pytest.mark.xdist_group("postgresql")


def test_what_json_has_no_kind_for_becomes_text(ask_postgres):
    sql = """
        select date '2030-01-31' as day, timestamptz '2030-01-31 08:00+00' as at, time '08:00' as time,
            12.50::numeric as price, '\\x00ff'::bytea as bytes, interval '1 day' as span,
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as id, '{"a": [1, null]}'::jsonb as json,
            array[1, 2] as list, 'nan'::float8 as nan, '10.0.0.0/8'::cidr as net, int4range(1, 3) as range
    """
    row = ask_postgres(sql)["rows"][0]
    msgspec.json.encode(row)
    assert row["day"] == "2030-01-31"
    assert row["at"].startswith("2030-01-31T")
    assert (row["price"], row["bytes"], row["nan"]) == ("12.50", "AP8=", "nan")
    assert (row["json"], row["list"]) == ({"a": [1, None]}, [1, 2])
    assert row["id"] == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"


@pytest.mark.parametrize(
    "sql",
    [
        "do $$ begin set local transaction_read_only = off; create table sly (a int); end $$",
        "do $$ begin commit; create table sly (a int); end $$",
        "select set_config('transaction_read_only', 'off', true)",
        "set transaction read write",
        "copy (select 1) to stdout",
    ],
)
def test_no_statement_talks_the_server_out_of_reading_only(ask_postgres, sql):
    assert not refused(ask_postgres, sql).retryable
    assert ask_postgres("select to_regclass('sly') as sly")["rows"] == [{"sly": None}]


def test_a_statement_without_rows_may_still_read(ask_postgres):
    assert ask_postgres("do $$ begin perform 1; end $$") == {"rows": [], "row_count": 0}


@pytest.mark.parametrize("sql", ["copy (select 1) to stdout", "commit; create table sly (a int)", "vacuum"])
def test_a_writing_statement_stays_in_its_transaction(ask_postgres, sql):
    refused(ask_postgres, sql, write=True)
    assert ask_postgres("select to_regclass('sly') as sly")["rows"] == [{"sly": None}]


def test_the_database_of_this_server_is_refused_on_postgresql_too(ask_postgres, postgres, relay, tmp_path):
    import psycopg

    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE own_data")
    open_database(settings_for(tmp_path, agent_db_path=postgres.get_uri("own_data"))).close()
    try:
        url = f"postgresql://postgres:s3cret-pass@127.0.0.1:{relay.port}/own_data"
        assert "database of its own" in str(refused(ask_postgres, "select 1 as one", url=url))
    finally:
        with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
            connection.execute("DROP DATABASE own_data WITH (FORCE)")


@pytest.mark.parametrize(
    "rest",
    [
        "localhost/db?hostaddr=10.0.0.1",
        "localhost/db?passfile=/etc/passwd",
        "localhost/db?service=other",
        "localhost/db?sslkey=/etc/key",
        "one,two/db",
        "/db?host=/var/run/postgresql",
        "localhost:port/db",
    ],
)
def test_an_address_that_could_lead_elsewhere_is_refused_without_being_told(ask_postgres, rest):
    error = refused(ask_postgres, "select 1", url=f"postgresql://ada:s3cret-pass@{rest}")
    assert "Change the credential 'orders'" in str(error)
    assert "s3cret-pass" not in str(error)
    assert not error.retryable


def test_a_server_that_is_not_there_may_be_tried_again(ask_postgres):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refused(ask_postgres, "select 1", url=f"postgresql://ada:s3cret-pass@127.0.0.1:{port}/db")
    assert "cannot be reached" in str(error)
    assert error.retryable
    assert "s3cret-pass" not in str(error)


@pytest.fixture
def silent():
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_server_that_says_nothing_is_given_up(ask_postgres, silent):
    url = f"postgresql://ada:s3cret-pass@127.0.0.1:{silent}/db"
    assert "does not answer" in str(refused(ask_postgres, "select 1", url=url, seconds=0.3))


def test_an_abandoned_step_does_not_wait_for_a_server_that_says_nothing(context, silent):
    given = context(secret("database", {"url": f"postgresql://ada:s3cret-pass@127.0.0.1:{silent}/db"}, name="orders"))
    step = Abandoning(run, DatabaseQuery(credential="orders", sql="select 1"), given)
    error, seconds = step.abandon()
    assert isinstance(error, Abandoned)
    assert seconds < 1


def test_an_abandoned_step_ends_though_the_server_has_gone_silent(context, relay):
    url = f"postgresql://postgres:s3cret-pass@127.0.0.1:{relay.port}/postgres"
    given = context(secret("database", {"url": url}, name="orders"))
    step = Abandoning(run, DatabaseQuery(credential="orders", sql="select pg_sleep(60)"), given)
    assert given.waited_on.wait(10)
    relay.frozen.set()
    error, seconds = step.abandon()
    assert isinstance(error, Abandoned)
    assert seconds < 1


def test_an_abandoned_statement_is_stopped_at_the_server_too(context, relay, postgres):
    import psycopg

    url = f"postgresql://postgres:s3cret-pass@127.0.0.1:{relay.port}/postgres"
    given = context(secret("database", {"url": url}, name="orders"))
    step = Abandoning(run, DatabaseQuery(credential="orders", sql="select pg_sleep(61)"), given)
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:

        def at_work():
            sql = "select count(*) from pg_stat_activity where query = 'select pg_sleep(61)' and state = 'active'"
            return connection.execute(sql).fetchone()[0]

        soon(at_work)
        step.abandon()
        soon(lambda: not at_work())


def test_a_server_without_the_driver_says_what_to_install(tmp_path):
    program = """
import sys
sys.modules["psycopg"] = None
from releaseapp.steps import step_types
from releaseapp.steps.api import StepFailed
from releaseapp.credentials.models import CredentialType, Secret
kind = step_types()["database.query"]
url = "postgresql://ada:s3cret@db.example.com/orders"
class Context:
    def credential(self, name):
        return Secret("crd_1", name, CredentialType("database"), "wsp_1", {"url": url}, (url,), (), ())
try:
    kind.run(kind.config(credential="orders", sql="select 1"), Context())
except StepFailed as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "releaseapp[postgres]" in done.stdout
