"""Rule 21: what the guard holds, of every audience by itself and of all together."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

from tests.integration.lives.audiences import Audience, Change
from tests.integration.lives.facts import CONFIGURED, QUARTER, Facts, Pair, Setting
from tests.world import Row


@dataclass
class Judge:
    """Makes changes wait. `named_by_rows` are the audiences that the warehouse names. Nobody judges what the
    `suppressed` are told."""

    facts: Facts
    rows: Sequence[Row]
    setting: Setting
    audiences: Mapping[str, Audience]
    changes: Mapping[Pair, Change]
    named_by_rows: Set[str]
    suppressed: Set[str]

    def judge(self, audience: Audience) -> None:
        """Rule 21: what the guard holds."""
        facts, setting, name = self.facts, self.setting, audience.name
        limit = 0.25 if name == QUARTER else setting.max_removed_fraction
        moves = {op: self._unapproved(name, op) for op in ("removed", "added")}
        told = len(self._told(audience))
        newcomers = {contact for contact in moves["added"] if facts.is_initial(name, contact)}
        growth = moves["added"] - newcomers
        removed, added = len(moves["removed"]), len(growth)
        vanished = not setting.lists(name) or name not in self.named_by_rows | CONFIGURED
        many = removed >= setting.min_removed and removed > limit * told
        if not self.rows or vanished or many:
            self._wait(name, moves["removed"], "held")
        if setting.hold_initial:
            self._wait(name, newcomers, "held")
        if added >= setting.min_added and added > setting.max_added_fraction * told:
            self._wait(name, growth, "held")

    def judge_together(self) -> None:
        """Rule 21: the removals of all audiences, and the contacts that would be left in none."""
        setting = self.setting
        together = [
            audience
            for audience in self.audiences.values()
            if not audience.retired and not (audience.name == QUARTER and setting.max_removed_fraction < 0.25)
        ]
        going = {(contact, each.name) for each in together for contact in self._unapproved(each.name, "removed")}
        told = {(contact, each.name) for each in together for contact in self._told(each)}
        emptied = {contact for contact, _ in going if not self._is_left_true(contact)}
        for lost, of in ((len(going), len(told)), (len(emptied), len({contact for contact, _ in told}))):
            if lost >= setting.min_removed and lost > setting.max_removed_fraction * of:
                for contact, name in going:
                    self._wait(name, [contact], "held")

    def _unapproved(self, name: str, op: str) -> set[str]:
        """Whose change the guard judges: what was approved, or was refused when it was told, has passed."""
        return {
            contact
            for (contact, there), change in self.changes.items()
            if there == name
            and change.op == op
            and change.waits is None
            and contact not in self.suppressed
            and (contact, name, op) not in self.facts.passed
        }

    def _told(self, audience: Audience) -> set[str]:
        """Who was told true, or is uncertain, without those whose removal has passed."""
        facts, name = self.facts, audience.name
        believed = {contact for contact, _ in audience.before}
        believed |= {contact for contact, there in facts.uncertain if there == name and self.setting.reaches(contact)}
        return {contact for contact in believed if (contact, name, "removed") not in self.facts.passed}

    def _is_left_true(self, contact: str) -> bool:
        going = {
            name
            for (there, name), change in self.changes.items()
            if there == contact and change.op == "removed" and change.waits is None
        }
        stays = any(there == contact and name not in going for there, name, _ in self.facts.members)
        comes = any(
            there == contact and change.value and change.waits is None for (there, _), change in self.changes.items()
        )
        return stays or comes

    def _wait(self, name: str, contacts: Collection[str], why: str) -> None:
        for contact in contacts:
            self.changes[contact, name].waits = why
