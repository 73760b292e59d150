"""Lives in which the warehouse lists people who are in no audience, and a destination that may freeze them."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.integration.lives.facts import CONTACTS
from tests.integration.lives.life import Life
from tests.integration.lives.stories import Trouble, users

_ALWAYS = [f"nobody{number}@x.io" for number in range(9)]
"""On the list whatever happens, so that it is never empty and never doubles: `test_suppression.py` is about that."""


class SuppressingLife(Life):
    """A life whose list changes at random between its runs."""

    written_people: object = None

    @rule(
        contacts=st.frozensets(st.sampled_from(CONTACTS), max_size=2),
        people=st.frozensets(users, max_size=1),
        freezes=st.sampled_from([False, False, True]),
    )
    def suppress(self, *, contacts: frozenset[str], people: frozenset[str], freezes: bool) -> None:
        self.setting = replace(self.setting, listed_people=(contacts, people), freezes=freezes)

    def _prepare(self, trouble: Trouble) -> None:
        if self.setting.listed_people is None:
            self.setting = replace(self.setting, listed_people=(frozenset(), frozenset()))
        contacts, people = self.setting.listed_people or (frozenset(), frozenset())
        if self.written_people != (contacts, people):
            self.world.warehouse.run(
                "DROP TABLE IF EXISTS unsubscribed; CREATE TABLE unsubscribed (email text, user_id text)"
            )
            self.world.warehouse.run(
                "INSERT INTO unsubscribed (email) SELECT upper(each) || ' ' FROM unnest(%s::text[]) AS each",
                [[*_ALWAYS, *contacts]],
            )
            self.world.warehouse.run("INSERT INTO unsubscribed (user_id) SELECT unnest(%s::text[])", [list(people)])
            self.written_people = (contacts, people)
        super()._prepare(trouble)
