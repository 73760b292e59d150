"""The rare paths of a life, as they are seen from outside after each run."""

from collections.abc import Sequence

from tests.integration.lives.audiences import contact_of, is_sendable
from tests.integration.lives.broken import named_by_broken
from tests.integration.lives.facts import Facts, Held, Pair, Setting
from tests.sometimes import Sometimes
from tests.world import Row, World

IN_CI = {
    "what changed at the warehouse was enough for a plan",
    "a doubt that a later run cleared",
    "halved down to one contact",
    "refused, then accepted",
    "held, then approved and told",
    "a hold that grew",
    "moved to another address",
    "a row that cannot be sent names a member",
    "only a row that cannot be sent names a member",
    "killed in the middle",
}
"""What also the short run of CI comes to."""

PATHS = IN_CI | {
    "parked",
    "two addresses exchange their users",
    "a page that the limit of bytes splits",
    "another process took over in a request",
    "left open, and closed by the next run",
    "the destination refuses everybody",
    "a resync that outlived its run",
    "out of reach, and still true",
    "retired while somebody is uncertain",
}
"""All of them: what a long run has to come to (`SYNCER_FUZZ`)."""


OF_PAGES = {"halved down to one contact", "a page that the limit of bytes splits"}
"""What needs pages of more than one contact."""


OF_SCRATCH = {"what changed at the warehouse was enough for a plan"}
"""What needs a warehouse that keeps the snapshot of the last run."""


class RarePaths:
    """Looks at a life after each of its runs."""

    def __init__(self, sometimes: Sometimes) -> None:
        self.sometimes = sometimes
        self._before: Facts | None = None
        self._requests = 0

    def look(self, facts: Facts, rows: Sequence[Row], setting: Setting, world: World) -> None:
        before, self._before = self._before, facts
        self._look_at_requests(world)
        if world.query("SELECT read FROM run WHERE read IS NOT NULL ORDER BY run_id DESC LIMIT 1") == [("changes",)]:
            self.sometimes.saw("what changed at the warehouse was enough for a plan")
        if before is None:
            return
        told = {(contact, name) for contact, name, _ in facts.members} | facts.retracted.keys()
        seen = {
            "a doubt that a later run cleared": bool((before.uncertain.keys() - facts.uncertain.keys()) & told),
            "refused, then accepted": any(
                contact not in facts.refused and any(contact == there for there, _ in told)
                for contact in before.refused
            ),
            "parked": any(next_try is None for _, next_try in facts.refused.values()),
            "held, then approved and told": bool(_approved(before) - facts.held.keys()),
            "a hold that grew": _grew(before, facts),
            "moved to another address": _moved(before, rows),
            "two addresses exchange their users": _exchanged(before, rows),
            "a row that cannot be sent names a member": any(
                contact_of(email) == contact or whose == user
                for contact, _, user in facts.members
                for _, whose, email in rows
                if not is_sendable((VAGUE, whose, email))
            ),
            "only a row that cannot be sent names a member": bool(_kept(facts, rows, setting)),
            "left open, and closed by the next run": before.open_run is not None and facts.open_run is None,
            "a resync that outlived its run": bool(before.due_before and facts.due_before),
            "out of reach, and still true": any(not setting.reaches(contact) for contact, _, _ in facts.members),
            "retired while somebody is uncertain": any(name in facts.retired for _, name in facts.uncertain),
        }
        for path, reached in seen.items():
            self.sometimes.saw(path, int(bool(reached)))

    def _look_at_requests(self, world: World) -> None:
        requests = world.receiver.requests[self._requests :]
        self._requests += len(requests)
        refused = [each for each in requests if each.status == 400]
        if any(each.events > 1 for each in refused) and any(each.events == 1 for each in refused):
            self.sometimes.saw("halved down to one contact")
        split = world.query(
            "SELECT count(*) FROM sync_page WHERE status = 'done' AND requests - retries > 1 AND NOT EXISTS ("
            "SELECT FROM sync_exception AS e WHERE (e.run_id, e.destination_id, e.page)"
            " = (sync_page.run_id, sync_page.destination_id, sync_page.page))"
        )
        if not refused and all(each.status == 200 for each in requests) and split != [(0,)]:
            self.sometimes.saw("a page that the limit of bytes splits")
        if world.query("SELECT FROM run_destination WHERE error LIKE '%%refuses every contact%%' LIMIT 1"):
            self.sometimes.saw("the destination refuses everybody")


VAGUE = "any audience"


def _kept(facts: Facts, rows: Sequence[Row], setting: Setting) -> set[Pair]:
    """Who is still a member although no row that can be sent says so, and nothing but a broken row keeps them."""
    said = {(contact_of(email), name) for name, _, email in filter(is_sendable, rows)}
    lists = {
        name for name in facts.known - facts.retired - facts.paused if setting.lists(name) and not facts.all_paused
    }
    waits = {(contact, name) for contact, name, _ in facts.held} | facts.uncertain.keys()
    return {
        (contact, name)
        for contact, name in named_by_broken(facts, rows) - said - waits
        if name in lists and setting.reaches(contact) and contact not in facts.refused
    }


def _approved(facts: Facts) -> set[Held]:
    return {held for held, approved in facts.held.items() if approved}


def _grew(before: Facts, after: Facts) -> bool:
    """Whether an audience has more held changes of a kind, and all those that it had."""
    kinds = {(name, op) for _, name, op in before.held}
    return any(_of(kind, before) < _of(kind, after) for kind in kinds)


def _of(kind: tuple[str, str], facts: Facts) -> set[str]:
    return {contact for contact, name, op in facts.held if (name, op) == kind}


def _moved(before: Facts, rows: Sequence[Row]) -> bool:
    return any(
        name == there and user == whose and contact_of(email) != contact
        for contact, name, user in before.members
        for there, whose, email in filter(is_sendable, rows)
    )


def _exchanged(before: Facts, rows: Sequence[Row]) -> bool:
    moves = {
        (name, contact, contact_of(email))
        for contact, name, user in before.members
        for there, whose, email in filter(is_sendable, rows)
        if name == there and user == whose and contact_of(email) != contact
    }
    return any((name, there, here) in moves for name, here, there in moves)
