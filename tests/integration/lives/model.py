"""One run, predicted from the contract and not from the SQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.integration.lives.audiences import Audience, Change, contact_of, is_sendable
from tests.integration.lives.facts import (
    CONFIGURED,
    PROPERTY,
    Call,
    Facts,
    Held,
    Member,
    Pair,
    Setting,
)
from tests.integration.lives.judge import Judge
from tests.world import Row


@dataclass
class Outcome:
    """What a run that nothing disturbs does: its calls, and what the state says after it."""

    calls: dict[str, Call] = field(default_factory=dict)
    ordered: set[tuple[str, str]] = field(default_factory=set)
    """(contact, contact): the call to the first comes before the call to the second."""
    changes: dict[Pair, Change] = field(default_factory=dict)
    members: set[Member] = field(default_factory=set)
    retracted: set[Pair] = field(default_factory=set)
    users_false: set[Pair] = field(default_factory=set)
    """(user id, audience)"""
    uncertain: set[Pair] = field(default_factory=set)
    held: dict[Held, bool] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    begun: dict[str, frozenset[str] | None] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    """The contacts that are told nothing, because they are suppressed."""

    def waiting(self, why: str) -> set[Pair]:
        return {pair for pair, change in self.changes.items() if change.waits == why}


class Model:
    """One run, predicted. `offered`: the call that each refused contact refused."""

    def __init__(
        self,
        facts: Facts,
        rows: Sequence[Row],
        setting: Setting,
        offered: Mapping[str, Call | None],
        *,
        resync: bool = False,
    ) -> None:
        self.facts = facts
        self.rows = setting.said(rows)
        self.setting = setting
        self.offered = offered
        self.resync = resync
        self.named_by_rows = {str(audience) for audience, _, _ in rows if (audience or "").strip()}
        people = setting.suppressed(rows)
        self.suppressed = set(people.contacts)
        self.all_names = sorted(facts.known | self.named_by_rows | CONFIGURED)
        self.names = [] if facts.all_paused else [name for name in self.all_names if name not in facts.paused]
        self.audiences = {name: self._audience(name) for name in self.names}
        self.suppressed |= self._left_behind(people.users)
        for audience in self.audiences.values():
            audience.suppressed = self.suppressed
        self.changes: dict[Pair, Change] = {}
        self.named: dict[str, str] = {}
        self.doubted: dict[str, str] = {}
        self.returning: dict[str, str] = {}
        self._returned: set[Pair] = set()

    def run(self) -> Outcome:
        facts = self.facts
        for audience in self.audiences.values():
            self._fold(audience)
        frozen = self.suppressed if self.setting.freezes else set()
        self.changes = {pair: change for pair, change in self.changes.items() if pair[0] not in frozen}
        judge = Judge(facts, self.rows, self.setting, self.audiences, self.changes, self.named_by_rows, self.suppressed)
        for audience in self.audiences.values():
            if not audience.retired:
                judge.judge(audience)
        judge.judge_together()
        self._name()
        self._hold_back()
        ordered = self._follow()
        told = {
            pair: change for pair, change in self.changes.items() if change.waits is None and change.op != "covered"
        }
        outcome = Outcome(ordered=ordered, changes=self.changes, frozen=frozen)
        for contact in {contact for contact, _ in told}:
            values = {PROPERTY[name]: change.value for (there, name), change in told.items() if there == contact}
            outcome.calls[contact] = (self._caller(contact), values)
        outcome.members = self._members()
        outcome.retracted = {pair for pair in facts.retracted if pair not in told} | {
            pair for pair, change in told.items() if not change.value
        }
        outcome.users_false = set(facts.users_false)
        for value in (False, True):
            named = {
                (user, name)
                for (contact, name), change in told.items()
                if change.value is value
                for user in [self._caller(contact)]
                if not value or (contact, user) in self.audiences[name].now
            }
            outcome.users_false = outcome.users_false - named if value else outcome.users_false | named
        doubted = {pair for pair, change in self.changes.items() if change.follows and change.op == "reasserted"}
        outcome.uncertain = (set(facts.uncertain) | doubted) - set(told)
        outcome.held = {held: approved for held, approved in facts.held.items() if held[1] not in self.audiences}
        for (contact, name), change in self.changes.items():
            held = (contact, name, change.op)
            if change.waits == "held":
                outcome.held[held] = False
            elif change.waits is not None and facts.held.get(held):
                outcome.held[held] = True
        wanted = {contact for (contact, _), change in self.changes.items() if change.op != "covered"}
        outcome.refused = {
            contact
            for contact in facts.refused
            if contact not in outcome.calls and (contact in wanted or not self._whole)
        }
        outcome.begun = facts.begun | {
            name: self.setting.reach
            for name in self.names
            if self.setting.lists(name)
            and name not in facts.retired
            and name in self.named_by_rows | CONFIGURED
            and not any(there == name and op == "added" and not ok for (_, there, op), ok in outcome.held.items())
        }
        return outcome

    @property
    def _whole(self) -> bool:
        return self.names == self.all_names

    def _audience(self, name: str) -> Audience:
        reads = self.setting.lists(name) and name not in self.facts.retired
        present = {
            (contact_of(email), str(user))
            for audience, user, email in filter(is_sendable, self.rows)
            if reads and audience == name and self.setting.reaches(contact_of(email))
        }
        before = {
            (contact, user): run
            for (contact, there, user), run in self.facts.members.items()
            if there == name and (self.setting.reaches(contact) or contact in self.suppressed)
        }
        broken = [
            row
            for row in self.rows
            if not is_sendable(row) and ((reads and row[0] == name) or not (row[0] or "").strip())
        ]
        return Audience(name, present, before, broken, name in self.facts.retired)

    def _left_behind(self, users: Collection[str]) -> set[str]:
        """The contacts that only the state knows to be of a suppressed user: nobody is there any more."""
        facts, reaches = self.facts, self.setting.reaches
        rows = [(contact, name, user) for contact, name, user in facts.members]
        there = {contact for audience in self.audiences.values() for contact, _ in audience.present}
        stays = {
            contact
            for contact, name, user in rows
            if user not in users and (name not in self.audiences or not reaches(contact))
        }
        doubts = [(contact, name, user) for (contact, name), user in facts.uncertain.items()]
        falses = [(*pair, user) for pair, (_, user) in facts.retracted.items() if self._is_due_false(*pair)]
        left = [
            (contact, user)
            for contact, name, user in [*rows, *doubts, *falses]
            if name in self.audiences and reaches(contact)
        ]
        return {contact for contact, user in left if user in users} - there - stays

    def _fold(self, audience: Audience) -> None:
        facts, name = self.facts, audience.name
        due_before = facts.next_run if self.resync else facts.due(name)
        doubts = {contact: user for (contact, there), user in facts.uncertain.items() if there == name}
        falses = {
            contact for (contact, there), (run, _) in facts.retracted.items() if there == name and run < due_before
        }
        again = {pair[0] for pair, run in audience.before.items() if pair in audience.present and run < due_before}
        lost_due = {pair[0] for pair, run in audience.before.items() if run < due_before}
        moved = {contact for contact, _ in audience.moved}
        falses = {contact for contact in falses if self.setting.reaches(contact)}
        doubted = {each for each in doubts if self.setting.reaches(each) or each in self.suppressed}
        for contact in moved | again | doubted | falses:
            before = any(there == contact for there, _ in audience.before)
            after = any(there == contact for there, _ in audience.now)
            unsure = contact in doubts
            if after and before:
                op = "reasserted" if unsure or contact in again | lost_due else "covered" if contact in moved else None
            elif after:
                op = "added"
            elif before or (unsure and (contact in falses or not audience.names(contact, doubts[contact]))):
                op = "removed"
            else:
                op = "reasserted" if contact in falses else None
            if op is not None:
                self.changes[contact, name] = Change(op, after)

    def _hold_back(self) -> None:
        """Rule 18: a refused contact waits for its next try, unless something else is to be told to it."""
        for contact, (_, next_try) in self.facts.refused.items():
            if next_try is not None and next_try <= self.facts.next_run:
                continue
            pending = {
                name: change
                for (there, name), change in self.changes.items()
                if there == contact and change.op != "covered" and change.waits is None
            }
            now = {PROPERTY[name]: change.value for name, change in pending.items()}
            if pending and (not self._whole or self.offered.get(contact) == (self._caller(contact), now)):
                for change in pending.values():
                    change.waits = "refused"

    def _name(self) -> None:
        """Whom a call names instead of the smallest user of its contact: who was told false and enters, and above that
        who is there still of those whom an unanswered call named."""
        for name, audience in self.audiences.items():
            falses = {user for user, there in self.facts.users_false if there == name}
            for contact, user in sorted(audience.now - set(audience.before), reverse=True):
                if user in falses:
                    self.returning[contact] = min(user, self.returning.get(contact, user))
            for (contact, there), user in self.facts.uncertain.items():
                if there == name and (contact, user) in audience.now:
                    self.doubted[contact] = min(user, self.doubted.get(contact, user))

    def _follow(self) -> set[tuple[str, str]]:
        """Rule 9: the false to an old contact is followed by the present value to a contact where its user is now."""
        moved = self._find_followers()
        self._put_off_circles(moved)
        gone, told_after = self._gone(), set()
        parked = {contact for (contact, _), change in self.changes.items() if change.waits == "refused"}
        for (user, name), (fit, there) in moved.items():
            if (user, name) not in gone and not ((user, name) in self._returned and fit < 4):
                continue
            change = self.changes.setdefault((there, name), Change("covered", value=True))
            if change.op == "covered":
                change.op, change.waits = "reasserted", "refused" if there in parked else None
            change.follows = True
            if change.waits is None:
                told_after |= {(contact, there) for contact in gone.get((user, name), ())}
        self.named = {there: user for (user, _), (fit, there) in moved.items() if fit == 2}
        return told_after

    def _find_followers(self) -> dict[Pair, tuple[int, str]]:
        """How well which contact's call tells a user of an audience; the false waits where none can in this run."""
        moved = {}
        for user, name in self._gone().keys() | self._back():
            there = [there for there, whose in self.audiences[name].now if whose == user]
            if there:
                moved[user, name] = min((self._fit(contact, name, user), contact) for contact in there)
        first: dict[str, tuple[int, str]] = {}
        for (user, _), (fit, contact) in moved.items():
            if fit <= 2:
                first[contact] = min((fit, user), first.get(contact, (fit, user)))
        for (user, name), (fit, contact) in list(moved.items()):
            if fit == 3 or (fit < 3 and first[contact][1] != user):
                del moved[user, name]
                self._put_off({(old, name) for old in self._gone().get((user, name), ())})
        return moved

    def _put_off_circles(self, moved: Mapping[Pair, tuple[int, str]]) -> None:
        """Where calls would have to follow one another in a circle, some falses wait."""
        after = [
            (contact, moved[pair][1], pair[1])
            for pair, contacts in self._gone().items()
            if pair in moved
            for contact in contacts
        ]
        ordered = {(contact, there) for contact, there, _ in after}
        self._put_off(
            {
                (contact, name)
                for contact, there, name in after
                if there < contact and in_a_circle((contact, there), ordered)
            }
        )

    def _gone(self) -> dict[Pair, set[str]]:
        """The contacts that are told false, by the user whom that names and the audience."""
        gone: dict[Pair, set[str]] = {}
        for (contact, name), change in self.changes.items():
            if not change.value and change.waits is None:
                gone.setdefault((self._caller(contact), name), set()).add(contact)
        return gone

    def _back(self) -> set[Pair]:
        """The users who were told false and are back, of whom no call tells otherwise, and the audience."""
        told = {
            (self._caller(contact), name)
            for (contact, name), change in self.changes.items()
            if change.value and change.waits is None and change.op != "covered"
        }
        self._returned = (
            {
                (user, name)
                for (user, name), is_back in self.facts.users_false.items()
                if name in self.audiences and (is_back or self._came(user, name))
            }
            - self._gone().keys()
            - told
        )
        return self._returned

    def _came(self, user: str, name: str) -> bool:
        audience = self.audiences[name]
        return any(whose == user for _, whose in audience.now - set(audience.before))

    def _fit(self, contact: str, name: str, user: str) -> int:
        """How well a call to this contact tells this user: see `find_followers`."""
        changes = {there: change for (whose, there), change in self.changes.items() if whose == contact}
        own = changes.get(name)
        if any(change.waits == "refused" for change in changes.values()) or (own and own.waits):
            return 4
        goes = any(change.op != "covered" and change.waits is None for change in changes.values())
        if self._caller(contact) == user:
            return 0 if goes else 1
        return 3 if goes else 2

    def _put_off(self, falses: Collection[Pair]) -> None:
        for pair in falses:
            if not self.changes[pair].value and self.changes[pair].waits is None:
                self.changes[pair].waits = "deferred"

    def _caller(self, contact: str) -> str:
        """The smallest user who is there; if there is none, of those who were."""
        for named in (self.named, self.doubted, self.returning):
            if contact in named:
                return named[contact]
        outside = {user for there, name, user in self.facts.members if there == contact and name not in self.audiences}
        here = {user for each in self.audiences.values() for there, user in each.now if there == contact} | outside
        if here:
            return min(here)
        were = {user for each in self.audiences.values() for there, user in each.before if there == contact}
        doubts = {
            user for (there, name), user in self.facts.uncertain.items() if there == contact and name in self.names
        }
        falses = {
            user
            for (there, name), (_, user) in self.facts.retracted.items()
            if (there, name) in self.changes and there == contact and self._is_due_false(there, name)
        }
        return min(were | doubts | falses)

    def _is_due_false(self, contact: str, name: str) -> bool:
        due_before = self.facts.next_run if self.resync else self.facts.due(name)
        return self.facts.retracted[contact, name][0] < due_before

    def _members(self) -> set[Member]:
        members = set(self.facts.members)
        for (contact, name), change in self.changes.items():
            if change.waits is None:
                members -= {member for member in members if member[:2] == (contact, name)}
                now = self.audiences[name].now
                members |= {(contact, name, user) for there, user in now if there == contact}
        return members


def in_a_circle(pair: tuple[str, str], ordered: Collection[tuple[str, str]]) -> bool:
    """Whether what comes after the second has to come before the first: two addresses of a user exchange audiences."""
    reached: set[str] = set()
    found = {pair[1]}
    while found - reached:
        reached |= found
        found = {later for earlier, later in ordered if earlier in reached}
    return pair[0] in reached
