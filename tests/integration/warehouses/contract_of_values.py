"""What every warehouse has to make of the values that it hands over: a part of `contract`."""

from unittest.mock import ANY

import pytest

from tests.integration.warehouses.places import (
    TABLE,
    Place,
    error_of,
    opened,
    query,
    read,
    table,
    values_of,
)


class ValuesContract:
    """`date` is the type of a date's value, `booleans` are the values of true and false, with their types."""

    text = "text"
    leap_day = "'2024-02-29'"
    date = "timestamp"
    booleans = (("true", "boolean"), ("false", "boolean"))

    def make(self, place: Place, *rows: str) -> None:
        place.run(f"CREATE TABLE members (audience {self.text}, user_id {self.text}, email {self.text})")
        if rows:
            place.run(f"INSERT INTO members VALUES {', '.join(rows)}")

    def test_numbers_and_truths_become_text(self, place: Place) -> None:
        place.run("CREATE TABLE members (audience integer, user_id bigint, email varchar(40), is_member boolean)")
        place.run("INSERT INTO members VALUES (7, 9007199254740993, 'a@example.com', true), (7, -1, 'b', false)")
        assert read(place, table(member="is_member")) == [("7", "9007199254740993", "a@example.com", False)]
        assert len(read(place, TABLE)) == 2

    def test_blanks_that_fill_a_column_are_no_text(self, place: Place) -> None:
        place.run("CREATE TABLE members (audience char(9), user_id char(9), email varchar(40))")
        place.run("INSERT INTO members VALUES ('VIP', 'u1', 'a@example.com')")
        assert read(place, TABLE) == [("VIP", "u1", "a@example.com", False)]
        assert read(place, query("SELECT user_id, email FROM members"))[0][1] == "u1"

    def test_a_date_and_a_truth_are_values(self, place: Place) -> None:
        place.run("CREATE TABLE members (user_id varchar(9), email varchar(40), d date, b boolean)")
        place.run(
            f"INSERT INTO members VALUES ('u1', 'e1', {self.leap_day}, true)",
            "INSERT INTO members VALUES ('u2', 'e2', NULL, false)",
        )
        assert values_of(place, "d") == [('"2024-02-29"', self.date), (None, ANY)]
        assert values_of(place, "b") == list(self.booleans)

    @pytest.mark.parametrize(
        ("kind", "members", "others"),
        [
            (
                "text",
                ["'TRUE'", "'t'", "' Yes  '", "'y'", "'ON'", "'1'"],
                ["'no'", "'false '", "'0'", "' '", "NULL"],
            ),
            ("numeric(9, 2)", ["1", "1.00"], ["0", "0.0", "NULL"]),
        ],
        ids=["text", "numbers"],
    )
    def test_what_a_member_column_may_hold(
        self, place: Place, kind: str, members: list[str], others: list[str]
    ) -> None:
        kind = self.text if kind == "text" else kind
        place.run(f"CREATE TABLE members (audience {self.text}, user_id {self.text}, email {self.text}, m {kind})")
        rows = [f"('VIP', 'u{number}', 'e', {value})" for number, value in enumerate([*members, *others])]
        place.run(f"INSERT INTO members VALUES {', '.join(rows)}")
        expected = sorted(f"u{number}" for number in range(len(members)))
        for source in (table(member="M"), query("SELECT user_id, email, m FROM members", member="m")):
            assert sorted(str(user_id) for _, user_id, _, _ in read(place, source)) == expected

    @pytest.mark.parametrize(("value", "shown"), [("'truely'", "truely"), ("2", "2"), ("0.5", "0.5")])
    def test_what_is_neither_true_nor_false_is_an_error_that_shows_it(
        self, place: Place, value: str, shown: str
    ) -> None:
        kind = "numeric(9, 1)" if value[0].isdigit() else self.text
        place.run(f"CREATE TABLE members (audience {self.text}, user_id {self.text}, email {self.text}, m {kind})")
        one = "1" if value[0].isdigit() else "'1'"
        place.run(f"INSERT INTO members VALUES ('VIP', 'u', 'e', {one}), ('VIP', 'v', 'e', {value})")
        for source in (table(member="m"), query("SELECT user_id, email, m FROM members", member="m")):
            assert f"the column m holds '{shown}" in error_of(place, source)
        left_out = query(f"SELECT user_id, email, m FROM members WHERE m <> {value}", member="m")
        assert len(read(place, left_out)) == 1
        place.run(f"CREATE VIEW sound AS {left_out.query}")
        assert len(read(place, table(table="sound", audience="user_id", member="m"))) == 1
        assert opened(place).problems([table(member="m")]) == []

    def test_what_may_be_a_person_is_not_shown(self, place: Place) -> None:
        self.make(place, f"('VIP', '{'long' * 10}', 'ada@example.com')")
        for column in ("email", "user_id"):
            message = error_of(place, table(member=column))
            assert f"the column {column} holds a text that is not shown, which is neither true nor false" in message

    def test_a_name_of_an_audience_is_read_as_far_as_it_may_be_kept(self, place: Place) -> None:
        self.make(place, f"('{'é' * 600}', 'u1', 'a@example.com')")
        assert read(place, TABLE) == [("é" * 501, "u1", "a@example.com", False)]

    def test_whole_numbers_have_no_fraction(self, place: Place) -> None:
        place.run("CREATE TABLE members (audience numeric(20, 2), user_id numeric(20, 2), email double precision)")
        place.run("INSERT INTO members VALUES (12.00, 42.50, 7)", "INSERT INTO members VALUES (NULL, -3, 1e15)")
        found = [
            (audience, user_id and user_id.removesuffix("0"), *more) for audience, user_id, *more in read(place, TABLE)
        ]
        assert found == [("12", "42.5", "7", False), (None, "-3", "1000000000000000", False)]
