"""A life of warehouse, syncer and destination: seasons of changes, acts and runs, and what must hold after each."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from syncer import app, audit, control, errors, opening, sync
from syncer.receivers.loopback import Answer, Fault
from syncer.receivers.segment import ReceivedRequest
from syncer.state.runs import settle_lost_run
from syncer.stopping import Stop
from tests import auditor, witness
from tests.integration.lives.audiences import contact_of, is_sendable
from tests.integration.lives.broken import named_by_broken
from tests.integration.lives.facts import (
    CONTACTS,
    NAMES,
    PROPERTY,
    Call,
    Facts,
    Pair,
    Setting,
    facts_of,
    properties,
)
from tests.integration.lives.model import Model, Outcome, in_a_circle
from tests.integration.lives.mortal import Gone, Mortal
from tests.integration.lives.rare import RarePaths
from tests.integration.lives.stories import (
    SESSIONS,
    StateLost,
    TakenOver,
    Trouble,
    acts,
    changed_rows,
    changes,
    sendable,
    troubles,
    weighed,
)
from tests.integration.lives.sums import assert_adds_up, assert_knows_profiles, assert_profiles_are_right
from tests.integration.lives.twice import Different
from tests.sometimes import Sometimes
from tests.world import Quiet, Row, World


class Life(RuleBasedStateMachine):
    """`new_world`, `mortal` and what counts are given by the test."""

    new_world: Callable[[], World]
    mortal: Mortal
    tally: dict[str, int]
    sometimes: Sometimes

    @initialize(hold_initial=st.sampled_from([False, False, False, True]), start=st.lists(sendable, max_size=8))
    def begin(self, hold_initial: bool, start: list[Row]) -> None:
        self.rows: list[Row] = start
        self.setting = Setting(hold_initial=hold_initial)
        self.rare = RarePaths(self.sometimes)
        self.watching = ExitStack()
        self.watched = self.watching.enter_context(witness.watching())
        self.world = self.new_world()
        self.watching.enter_context(self.world.receiver)
        how = "-c search_path=syncer -c join_collapse_limit=1"
        self.connection = psycopg.connect(self.world.state_url, autocommit=True, options=how, prepare_threshold=None)
        self.offered: dict[int, dict[str, Call]] = {}
        self.seen: dict[str, Call] = {}
        self.deferred: set[Pair] = set()
        self.written: list[Row] | None = None

    def teardown(self) -> None:
        if not hasattr(self, "connection"):
            return
        self.connection.close()
        self.watching.close()
        shutil.rmtree(self.world.folder)

    @rule(
        changed=st.lists(changes, max_size=4),
        done=st.lists(acts, max_size=3),
        trouble=weighed((5, st.none()), (4, troubles)),
        resync=st.sampled_from([False, False, False, False, True]),
        twice=st.sampled_from([False, False, True]),
    )
    def season(
        self,
        *,
        changed: list[tuple[Any, ...]],
        done: list[tuple[Any, ...]],
        trouble: Trouble | None,
        resync: bool,
        twice: bool,
    ) -> None:
        """The warehouse changes, the operator acts, there is a run, which something may disturb, and an audit."""
        for change in changed:
            self.rows = changed_rows(self.rows, *change)
            self.tally["changes"] += 1
        for act in done:
            self._act(*act)
            self.tally["acts"] += 1
        if trouble is None:
            self._undisturbed_run(resync=resync, twice=twice)
        else:
            self._disturbed_run(trouble, resync=resync)
        complaints = auditor.complaints(self.watched)
        assert complaints == [], "\n".join(complaints[:20])

    # --- the operator

    def _act(self, kind: str, *what: Any) -> None:
        facts = facts_of(self.connection)
        match kind:
            case "reach":
                self.setting = replace(self.setting, reach=what[0])
            case "list":
                self.setting = replace(self.setting, listed=what[0])
            case "settle":
                self._settle()
            case _ if facts.known.issuperset(what):
                with self.world.state() as state:
                    self._tell(state, facts, kind, what)

    def _tell(self, state: Any, facts: Facts, kind: str, what: Sequence[str]) -> None:
        match kind:
            case "approve" if facts.next_run > 1:
                approved = control.approve(state, facts.next_run - 1, what)
                assert approved <= sum(not yes for yes in facts.held.values())
                self.tally["approved"] += approved
            case "retire":
                control.retire(state, what[0])
            case "pause":
                control.pause(state, what, [], [])
            case "resume":
                control.resume(state, what, [])
            case "resume all":
                for name in facts.paused | facts.retired:
                    control.resume(state, [name], [])
                control.resume(state, [], [])
            case "retry":
                control.release(state, [])

    # --- runs

    def _settle(self) -> None:
        """The first step of a run after one that was lost, and then this one is gone as well."""
        with self.world.state() as state:
            settle_lost_run(state)
        self._look(Trouble())

    def _disturbed_run(self, trouble: Trouble, *, resync: bool) -> None:
        """Whatever it knows is true, and it knows what it does not know."""
        self.tally["disturbed"] += 1
        self._prepare(trouble)
        self._run(trouble, resync=resync)
        facts = self._look(trouble)
        if facts.sending and facts.open_run is not None and facts.open_run % 2:
            self._settle()  # before anything changes: of what it was sending, and of that only, it knows nothing now
            assert facts_of(self.connection).uncertain.keys() == facts.uncertain.keys()

    def _undisturbed_run(self, *, resync: bool, twice: bool) -> None:
        self.tally["undisturbed"] += 1
        self._prepare(Trouble())
        facts = facts_of(self.connection)
        if facts.open_run is None:
            self._check_run(facts, resync=resync)
        else:
            self._run(Trouble(), resync=resync)
            self.deferred = self._deferred()
            twice = True
        facts = self._check_belief()
        if twice:
            settled = not facts.refused and not facts.held and not self.deferred and not any(facts.users_false.values())
            outcome = self._check_run(facts, resync=False)
            if settled:
                assert outcome.calls == {}
                assert_profiles_are_right(facts, self.setting.said(self.rows), self.setting)

    def _deferred(self) -> set[Pair]:
        """What the last run left to the next, of a run that no model was asked about."""
        ((deferred,),) = self.connection.execute("SELECT deferred FROM run ORDER BY run_id DESC LIMIT 1").fetchall()
        changes = self._model(facts_of(self.connection)).changes
        return {pair for pair, change in changes.items() if deferred and not change.value}

    def _prepare(self, trouble: Trouble) -> None:
        self.world.extra = self.setting.extra
        self.world.destination_extra = self.setting.destination_extra
        if trouble.late:
            self.world.destination_extra += '\ntimeout = "150ms"'
        if self.rows != self.written:
            self.world.warehouse.replace(self.rows)
            self.written = self.rows

    def _run(self, trouble: Trouble, *, resync: bool) -> sync.Result | None:
        world, mortal = self.world, self.mortal
        answers = iter(trouble.script)

        def answer(request: ReceivedRequest) -> Fault | None:
            contacts = set()
            for event in request.events:
                values = dict(event["traits"])
                contact = values.pop("email")
                contacts.add(contact)
                self.seen[contact] = (event["userId"], values)
            fault = next(answers, None)
            if fault is None and contacts.intersection(trouble.refused):
                return Answer(400, body=b'{"message":"not this one"}')
            if isinstance(fault, StateLost):
                self._end_sessions(fault.sessions)
                return Answer(200, apply=fault.apply)
            if isinstance(fault, TakenOver):
                self._take_over()
                return Answer(200, apply=fault.apply)
            return fault

        self.seen = {}
        world.receiver.script = answer
        result = None
        mortal.steps, mortal.last = 0, trouble.last_step
        try:
            result = world.sync(trigger="resync" if resync else "manual")
        except errors.StateError:  # with no session left there is nobody to say how the run ended
            assert any(isinstance(fault, StateLost | TakenOver) for fault in trouble.script)
        except Different as error:
            raise AssertionError(str(error)) from error
        except Gone:
            self.tally["gone"] += 1
            self.sometimes.saw("killed in the middle")
        finally:
            mortal.last = None
        assert world.receiver.wait_for(lambda: world.receiver.http.in_progress == 0)
        world.receiver.script = None
        if result is None or trouble.script:
            self._end_sessions(SESSIONS)  # the server lets go of them a little after we do
        ((run_id,),) = self.connection.execute("SELECT coalesce(max(run_id), 0) FROM run").fetchall()
        self.offered.setdefault(run_id, {}).update(self.seen)
        return result

    def _end_sessions(self, sessions: Sequence[str]) -> None:
        with psycopg.connect(self.world.state_url, autocommit=True) as connection:
            connection.cursor().execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = ANY(%s)",
                [list(sessions)],
            ).fetchall()

    def _take_over(self) -> None:
        """The process is stopped in a request, for so long that another one takes over and makes a run of its own."""
        self.world.receiver.script = None
        self.connection.execute("UPDATE leader SET renewed_at = now() - interval '1 hour'")
        self.world.sync()
        self.sometimes.saw("another process took over in a request")

    # --- what must hold

    def _look(self, trouble: Trouble) -> Facts:
        """What must hold after every run."""
        facts = facts_of(self.connection)
        doubtful = properties(facts.uncertain)
        belief = self.world.receiver.belief
        said = {(contact, name, value) for contact, values in belief.items() for name, value in values.items()}
        told = {(*pair, True) for pair in properties(member[:2] for member in facts.members)}
        told |= {(*pair, False) for pair in properties(facts.retracted)}
        assert {each for each in said if each[:2] not in doubtful} == {
            each for each in told if each[:2] not in doubtful
        }
        assert_adds_up(self.connection, facts)
        assert_knows_profiles(facts, self.world.receiver.belief_by_user)
        assert self.world.receiver.violations == [], self.world.receiver.violations
        for tries, next_try in facts.refused.values():
            assert tries <= 6
            assert (next_try is None) == (tries == 6)
        if trouble.last_step is None and not any(isinstance(fault, StateLost) for fault in trouble.script):
            assert facts.open_run is None
        self.rare.look(facts, self.setting.said(self.rows), self.setting, self.world)
        return facts

    def _offered(self, facts: Facts) -> dict[str, Call | None]:
        """What each refused contact refused. The run that it did so in follows from when it is tried again."""
        calls: dict[str, Call | None] = {}
        for contact, (tries, next_try) in facts.refused.items():
            if next_try is not None:
                calls[contact] = self.offered.get(next_try - 2 ** max(0, tries - 1), {}).get(contact)
            else:
                runs = [run for run, offered in self.offered.items() if contact in offered]
                calls[contact] = self.offered[max(runs)][contact] if runs else None
        return calls

    def _model(self, facts: Facts, *, resync: bool = False) -> Outcome:
        return Model(facts, self.rows, self.setting, self._offered(facts), resync=resync).run()

    def _check_run(self, facts: Facts, *, resync: bool) -> Outcome:
        """A run that nothing disturbs does exactly what the model says."""
        outcome = self._model(facts, resync=resync)
        self.deferred = outcome.waiting("deferred")
        believed = {contact: dict(values) for contact, values in self.world.receiver.belief.items()}
        arrived = self.world.receiver.event_count
        result = self._run(Trouble(), resync=resync)
        assert result
        after = self._look(Trouble())

        calls = [received.event for received in self.world.receiver.events[arrived:]]
        told = {}
        for call in calls:
            values = dict(call["traits"])
            told[values.pop("email")] = (call["userId"], values)
        assert told == outcome.calls
        assert len(calls) == len(told)
        places = {call["traits"]["email"]: place for place, call in enumerate(calls)}
        assert {
            pair
            for pair in outcome.ordered
            if places[pair[0]] > places[pair[1]] and not in_a_circle(pair, outcome.ordered)
        } == set()
        alone = [run for run in [*facts.members.values(), *(run for run, _ in facts.retracted.values())] if run < 0]
        if not resync and not facts.due_before and not alone:
            followed = {contact for (contact, _), change in outcome.changes.items() if change.follows}
            for contact, (_, values) in told.items():
                for name, value in values.items():
                    needed = believed.get(contact, {}).get(name) is not value or contact in followed
                    assert needed or (contact, name) in properties(facts.uncertain), (contact, name, value)

        assert set(after.members) == outcome.members
        assert set(after.retracted) == outcome.retracted
        assert set(after.users_false) == outcome.users_false
        assert set(after.uncertain) == outcome.uncertain
        assert after.held == outcome.held
        assert set(after.refused) == outcome.refused
        assert after.begun == {name: of for name, of in outcome.begun.items() if name in after.known}
        self._check_counts(result)
        waits = any(not approved for approved in after.held.values())
        assert result.report.status == ("held" if waits else "succeeded")
        self.tally["checked"] += 1
        self.tally["held"] += bool(after.held)
        self.tally["refused"] += bool(after.refused)
        return outcome

    def _check_counts(self, result: sync.Result) -> None:
        """The run says how many users and contacts there are in the warehouse, however it came to know."""
        rows = self.setting.said(self.rows)
        users = {(audience, user) for audience, user, _ in rows if user is not None}
        for audience in result.report.audiences:
            assert audience.members == sum(name == audience.name for name, _ in users), audience
        ((memberships, contacts),) = self.connection.execute(
            "SELECT memberships, contacts FROM sync_runs WHERE run_id = %s", [result.report.run_id]
        ).fetchall()
        assert memberships == len(rows)
        assert contacts == len({contact_of(email) for _, _, email in rows} - {""})

    def _check_belief(self) -> Facts:
        """After an undisturbed run, from nothing but warehouse, belief, and what the state lists as waiting."""
        facts = facts_of(self.connection)
        believed, rows, frozen = self.world.believed(), self.setting.said(self.rows), self._model(facts).frozen
        truth = {(contact_of(email), str(audience)) for audience, _, email in filter(is_sendable, rows)}
        without = self.setting.suppressed(self.rows).contacts
        named = {pair for pair in named_by_broken(facts, rows) if pair[0] not in without}
        waiting = {each[:2] for each, approved in facts.held.items()}
        for contact in CONTACTS:
            for name in NAMES:
                excused = (
                    facts.all_paused
                    or name in facts.paused
                    or contact in frozen | facts.refused.keys()
                    or (contact, name) in waiting | named | self.deferred
                    or not self.setting.reaches(contact)
                    or not self.setting.lists(name)
                )
                if not excused:
                    wanted = (contact, name) in truth and name not in facts.retired
                    assert ((contact, PROPERTY[name]) in believed) == wanted, (contact, name, wanted)
                    assert (contact, name) not in facts.uncertain
        with app.opened(opening.load(self.world.config, {})) as opened:
            found = audit.verify(opened.job(), Stop(), Quiet(), 100)
        assert found.differences == 0, found
        assert bool(found.paused) == bool(facts.paused or facts.all_paused)
        if not facts.all_paused:
            (destination,) = found.destinations
            outcome = self._model(facts)
            # What stands as held is listed as such, also if the next run would judge it otherwise.
            standing = {
                (contact, name)
                for (contact, name), change in outcome.changes.items()
                if change.waits is None
                and (contact, name, change.op) in facts.held
                and (contact, name) not in facts.uncertain
                and contact not in facts.refused
            }
            if not self.deferred:  # what was deferred is listed as such, also if it is held by now
                assert destination.listed.get("held", 0) == len(outcome.waiting("held") | standing)
            broken = {row for row in self.rows if not is_sendable(row)}
            assert (
                sum(count for why, count in destination.listed.items() if why.startswith("skipped")) > 0
            ) or not any(row[0] is None for row in broken)
        return facts
