"""What every warehouse has to keep. Its test subclasses `WarehouseContract` and gives it a `place`."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from syncer import errors, models
from tests.integration.warehouses.contract_of_values import ValuesContract
from tests.integration.warehouses.places import (
    QUERY,
    TABLE,
    Place,
    Row,
    answer_error,
    answered,
    error_of,
    opened,
    pieces,
    query,
    read,
    rows_of,
    table,
)


class WarehouseContract(ValuesContract):
    """What every warehouse promises. A subclass gives the fixture `place`."""

    many = "SELECT i FROM generate_series(1, 30000) AS g(i)"
    truths: tuple[object, object] = (True, False)

    def make_many(self, place: Place) -> None:
        """30,000 members, more than one partition and more than any socket holds."""
        place.run(
            f"CREATE TABLE members AS SELECT 'VIP' AS audience, i AS user_id, 'u' || i || '@example.com' AS email"
            f" FROM ({self.many}) AS numbers"
        )

    def test_a_column_may_stand_for_two(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'a@example.com')")
        assert read(place, table(user_id="email")) == [("VIP", "a@example.com", "a@example.com", False)]

    def test_reads_text_as_it_stands(self, place: Place) -> None:
        self.make(
            place,
            "('VIP', 'u1', ' Ann@Example.COM ')",
            "('VIP', '', '')",
            "(NULL, NULL, NULL)",
            "('Café 😀', 'O''Hara \"x\" %s :y \\', 'ü@例え.jp')",
            f"('long', '{'x' * 100_000}', '\t\n')",
        )
        expected: list[Row] = [
            ("VIP", "u1", " Ann@Example.COM ", False),
            ("VIP", "", "", False),
            (None, None, None, False),
            ("Café 😀", 'O\'Hara "x" %s :y \\', "ü@例え.jp", False),
            ("long", "x" * 100_000, "\t\n", False),
        ]
        assert read(place, TABLE) == sorted(expected, key=repr)

    def test_some_people_are_asked_for_and_all_names_of_audiences(self, place: Place) -> None:
        self.make(
            place,
            "('VIP', 'u1', ' Ann@Example.COM\u00a0')",
            "('New', 'u2', 'ann@example.com')",
            "('Old', 'u1', 'elsewhere@x.io')",
            "('New', 'u4', 'O''Hara+\"%_:x@Übung.JP')",
            "('Gone', 'U1', 'bob@example.com')",
            "(NULL, NULL, NULL)",
        )
        people = models.People(frozenset({"ann@example.com", "o'hara+\"%_:x@Übung.jp"}), frozenset({"u1", "\\'%", ""}))
        wanted = {("VIP", "u1"), ("New", "u2"), ("Old", "u1"), ("New", "u4")}
        names = {("VIP", None), ("New", None), ("Old", None), ("Gone", None)}
        for source in (
            table(people=people),
            query("SELECT * FROM members", audience="AUDIENCE", audience_name=None, people=people),
        ):
            found = {row[:2] for row in read(place, source)}
            assert {*wanted, *names} - found == set()
        one = query("SELECT user_id, email FROM members", people=models.People(frozenset({"bob@example.com"})))
        assert {row[:3] for row in read(place, one)} == {
            (QUERY.audience_name, "U1", "bob@example.com"),
            (QUERY.audience_name, None, None),
        }
        nobody = table(people=models.People(users=frozenset({"u99"})))
        assert {row[:2] for row in read(place, nobody)} == names

    def test_people_are_found_by_ids_that_are_numbers(self, place: Place) -> None:
        place.run("CREATE TABLE members (audience varchar(9), user_id double precision, email varchar(40))")
        for row in ("12345678, 'a'", "42, 'b'", "1e20, 'c'", "7, 'd'"):
            place.run(f"INSERT INTO members VALUES ('VIP', {row})")
        people = models.People(users=frozenset({"12345678", "42", "100000000000000000000"}))
        found = {row[1] for row in read(place, table(people=people))}
        assert found >= {"12345678", "42", "100000000000000000000"}
        assert "7" not in found

    def test_an_empty_table_is_an_empty_stream(self, place: Place) -> None:
        self.make(place)
        assert read(place, TABLE) == []

    def test_several_sources_in_one_reading(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'a@example.com')")
        found = read(place, TABLE, query("SELECT user_id, email FROM members"), TABLE)
        assert [row[0] for row in found] == [QUERY.audience_name, "VIP", "VIP"]

    @pytest.mark.parametrize(
        "text",
        [
            "SELECT user_id, user_id, email FROM members",
            "SELECT 'u' AS user_id, email, 'v' AS user_id FROM members",
            "SELECT 1; SELECT user_id, email FROM members",
            "SELECT user_id, email FROM members; SELECT 1",
            "SELECT user_id, email FROM members) AS m; COMMIT; CREATE TABLE made (a int); SELECT * FROM (SELECT 1",
            "SELECT '\\', 'x' FROM members) AS m; COMMIT; CREATE TABLE made (a int);"
            " SELECT * FROM (SELECT 1 AS user_id, 2 AS email --'",
            "SELECT '\\', 'x' FROM members; COMMIT; CREATE TABLE made (a int) --'",
            "SELECT user_id, email FROM members WHERE false) UNION ALL (SELECT user_id, email FROM members",
        ],
    )
    def test_check_finds_what_reading_would_find(self, place: Place, text: str) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        [(path, problem)] = opened(place).problems([query(text)])
        assert path == QUERY.path
        assert error_of(place, query(text)) == f"{path}: {problem}"
        assert "table made" in error_of(place, table(table="made"))

    @pytest.mark.parametrize(
        "ending", ["", ";", " ;; \n", " -- done", "; -- done; really", " /* ; */ ;\n-- a\n-- b", "\n-- it's"]
    )
    def test_a_query_may_end_as_people_write_it(self, place: Place, ending: str) -> None:
        self.make(place, "('VIP', 'u1', 'a;b')")
        text = "-- ours\n(SELECT user_id, email FROM members WHERE email = 'a;b')" + ending
        assert read(place, query(text)) == [(QUERY.audience_name, "u1", "a;b", False)]
        assert opened(place).problems([query(text)]) == []

    def test_nothing_in_a_query_is_taken_for_a_parameter(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'xxa:bxx')", "('VIP', 'u2', 'none')")
        text = (
            "WITH found AS (SELECT * FROM members) SELECT 'is :id %s %(x)s {y} ?' AS user_id, email FROM found"
            " WHERE email LIKE '%a:b%'"
        )
        assert read(place, query(text)) == [(QUERY.audience_name, "is :id %s %(x)s {y} ?", "xxa:bxx", False)]

    def test_a_query_over_many_audiences(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'e')", "('New', 'u1', 'e')")
        source = query("SELECT * FROM members", audience="AUDIENCE", audience_name=None)
        assert [row[0] for row in read(place, source)] == ["New", "VIP"]

    def test_odd_identifiers(self, place: Place) -> None:
        place.run(
            'CREATE SCHEMA "My Data.v2"',
            'CREATE TABLE "My Data.v2"."We ""Members"" %s"'
            ' ("Audience Name" varchar(9), "user.id" varchar(9), "E-Mail %" varchar(9))',
            'INSERT INTO "My Data.v2"."We ""Members"" %s" VALUES (\'VIP\', \'u1\', \'e1\')',
        )
        source = table(
            table='"My Data.v2"."We ""Members"" %s"', audience="Audience Name", user_id="user.id", email="E-Mail %"
        )
        assert read(place, source) == [("VIP", "u1", "e1", False)]
        assert opened(place).problems([source]) == []

    def test_columns_are_found_whatever_their_case(self, place: Place) -> None:
        place.run('CREATE TABLE members ("AUDIENCE" varchar(9), "User_Id" varchar(9), email varchar(9))')
        place.run("INSERT INTO members VALUES ('VIP', 'u1', 'e1')")
        assert read(place, TABLE) == [("VIP", "u1", "e1", False)]
        assert read(place, query("SELECT * FROM members", email="EMAIL")) == [(QUERY.audience_name, "u1", "e1", False)]

    def test_a_missing_column_is_named_with_the_nearest(self, place: Place) -> None:
        self.make(place)
        for source in (table(user_id="userid"), query("SELECT * FROM members", user_id="userid")):
            message = error_of(place, source)
            assert message.startswith(f"{source.path}: ")
            assert 'no column "userid" (for user_id); nearest: user_id' in message

    def test_every_missing_column_is_a_problem(self, place: Place) -> None:
        self.make(place)
        source = table(user_id="userid", email="mail", member="is_member")
        found = opened(place).problems([source, query("SELECT * FROM nowhere"), query("SELECT 1 AS user_id"), TABLE])
        assert [path for path, _ in found] == [TABLE.path] * 3 + [QUERY.path] * 2
        assert "nowhere" in found[3][1].lower()
        assert '"email"' in found[4][1]

    def test_a_missing_table_is_named_with_the_nearest(self, place: Place) -> None:
        self.make(place)
        message = error_of(place, table(table="membres"))
        assert message.startswith("warehouse.membership.table: there is no table membres")
        assert "nearest: members" in message
        assert len(opened(place).problems([table(table="membres")])) == 1

    @pytest.mark.parametrize("name", ["", ".", "a.", '"a', 'a"b"'])
    def test_what_is_no_table_name(self, place: Place, name: str) -> None:
        assert "is not a table name" in error_of(place, table(table=name))

    def test_of_a_list_of_people_one_column_is_enough(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'a@x.io')")
        lists = {
            "SELECT email FROM members": (None, "a@x.io"),
            "SELECT user_id FROM members": ("u1", None),
            "SELECT email, user_id FROM members": ("u1", "a@x.io"),
        }
        for text, named in lists.items():
            assert read(place, query(text, audience_name="list", either=True)) == [("list", *named, False)]
        message = error_of(place, query("SELECT email AS other FROM members", either=True))
        assert 'no column "user_id"' in message
        assert 'no column "email"' in message

    def test_those_are_asked_for_whose_member_column_does_not_say_yes(self, place: Place) -> None:
        self.make(place, "('yes', 'u1', 'a@x.io')", "('no', 'u2', 'b@x.io')", "(NULL, 'u3', 'c@x.io')")
        without = {"audience_name": "consent", "audience": None, "member": "audience", "unless": True}
        for source in (table(**without), query("SELECT * FROM members", **without)):
            assert {row[1] for row in read(place, source)} == {"u2", "u3"}

    def test_a_failing_query_speaks_in_the_databases_own_words(self, place: Place) -> None:
        message = error_of(place, query("SELECT user_id FROM nowhere_at_all"))
        assert message.startswith("audiences[2].query: ")
        assert "nowhere_at_all" in message.lower()

    @pytest.mark.parametrize(
        "text", ["DELETE FROM members", "", ";", "-- nothing", "INSERT INTO members VALUES ('a', 'b', 'c')"]
    )
    def test_a_query_that_is_no_query(self, place: Place, text: str) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        assert "must start with SELECT or WITH" in error_of(place, query(text))
        assert len(read(place, TABLE)) == 1

    def test_many_rows_arrive(self, place: Place) -> None:
        self.make_many(place)
        found = read(place, TABLE)
        assert len(set(found)) == 30_000
        assert ("VIP", "30000", "u30000@example.com", False) in found

    def test_a_row_that_fails_in_the_middle_raises(self, place: Place) -> None:
        self.make_many(place)
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            stream = pieces(reading.stream(query(self.fails_at(25_000))))
            assert next(stream)
            with pytest.raises(errors.WarehouseError, match=r"audiences\[2\]\.query: reading"):
                list(stream)

    def fails_at(self, user_id: int) -> str:
        return f"SELECT 1 / (user_id - {user_id}) AS user_id, email FROM members"

    def test_one_stream_at_a_time(self, place: Place) -> None:
        self.make_many(place)
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            first, waiting = pieces(reading.stream(TABLE)), pieces(reading.stream(TABLE))
            next(first)
            with pytest.raises(errors.WarehouseError, match="another was still being read"):
                reading.stream(TABLE)
            with pytest.raises(errors.WarehouseError, match="another was still being read"):
                next(waiting)

    def test_an_abandoned_stream_lets_go(self, place: Place) -> None:
        self.make_many(place)
        warehouse = opened(place)
        kept: list[Iterator[object]] = []

        def give_up() -> None:
            with warehouse.reading() as reading:
                kept.append(pieces(reading.stream(TABLE)))
                next(kept[0])
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            give_up()
        with pytest.raises(errors.WarehouseError, match="closed before all of it was read"):
            list(kept[0])
        assert len(read(place, TABLE)) == 30_000

    def test_the_snapshot_is_of_now(self, place: Place) -> None:
        with opened(place).reading() as reading:
            assert abs(datetime.now(UTC) - reading.snapshot_at) < timedelta(minutes=1)
            assert reading.snapshot_at.tzinfo is UTC

    def test_an_answer_is_the_only_value(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', '100% :a')")
        asked = {
            "SELECT count(*) = 1 FROM members": self.truths[0],
            "WITH m AS (SELECT * FROM members) SELECT email <> '100% :a' FROM m -- it's; so\n;": self.truths[1],
            "SELECT NULL": None,
            "SELECT user_id FROM members": "u1",
            "SELECT 1 = 1 FROM members WHERE user_id = 'nobody'": None,
        }
        for text, value in asked.items():
            answer = answered(place, text)
            assert (answer, type(answer)) == (value, type(value)), text

    def test_an_answer_and_members_come_from_one_reading(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            assert reading.answer("SELECT count(*) FROM members") == 1
            assert len(rows_of(reading.stream(TABLE))) == 1
            assert reading.answer("SELECT count(*) FROM members") == 1
            assert reading.rows_read() == 1

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("SELECT 1 AS a, 2 AS b", "the query gives 2 columns (a, b); write one that gives one row of one column"),
            ("SELECT user_id, email FROM members WHERE 1 = 0", "the query gives 2 columns (user_id, email); "),
            ("SELECT user_id FROM members", "the query gives more than one row; write one that gives one row"),
            ("SELECT a FROM nowhere_at_all", "nowhere_at_all"),
            ("DELETE FROM members", "must start with SELECT or WITH"),
            ("-- nothing", "must start with SELECT or WITH"),
            ("SELECT 1 +", "reading the query's result failed: "),
        ],
    )
    def test_what_is_no_answer(self, place: Place, text: str, found: str) -> None:
        self.make(place, "('VIP', 'u1', 'e1')", "('VIP', 'u2', 'e2')")
        assert found.lower() in answer_error(place, text).lower()

    @pytest.mark.parametrize(
        "text",
        [
            "WITH old AS (SELECT 'u1' AS u) DELETE FROM members WHERE user_id IN (SELECT u FROM old) RETURNING 1 = 1",
            "SELECT 1; COMMIT; DELETE FROM members",
            "SELECT 1) AS a; COMMIT; DELETE FROM members; SELECT 1 FROM (SELECT 1",
        ],
    )
    def test_a_question_never_writes(self, place: Place, text: str) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        answer_error(place, text)
        assert len(read(place, TABLE)) == 1

    def test_nothing_is_asked_while_a_stream_is_open_or_after_the_reading(self, place: Place) -> None:
        self.make_many(place)
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            next(waiting := pieces(reading.stream(TABLE)))
            with pytest.raises(errors.WarehouseError, match="another was still being read"):
                reading.answer("SELECT 1")
            assert len(list(waiting)) > 1
        with pytest.raises(errors.WarehouseError, match="was closed"):
            reading.answer("SELECT 1")

    def test_a_warehouse_can_be_read_again_after_a_failure(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        warehouse = opened(place)
        for _ in range(2):
            with pytest.raises(errors.WarehouseError), warehouse.reading() as reading:
                rows_of(reading.stream(query("SELECT nothing FROM nowhere")))
            with warehouse.reading() as reading:
                assert len(rows_of(reading.stream(TABLE))) == 1
