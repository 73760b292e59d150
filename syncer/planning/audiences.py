"""Which audiences a plan is about: those that are configured, named by the warehouse's rows, or known to the state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from syncer import errors, models, naming
from syncer.planning import newcomers
from syncer.planning.counts import Counts
from syncer.planning.targets import PlanRequest, Scope, Target
from syncer.spelling import did_you_mean
from syncer.state import Connection
from syncer.state.audiences import known_audiences


@dataclass(frozen=True, slots=True)
class PlanAudiences:
    """The audiences in the scope of a plan, also those with a problem, which are set aside.

    `others` are beyond the scope, but sound and known to the state: they may have given up a name or a property.
    `known_ids` are those that the state knew before, `unasked` those of computed traits that the configuration does not
    have any more. `whole`: no audience that there is was set aside or out of scope.
    """

    in_scope: Sequence[models.Audience]
    others: Sequence[models.Audience]
    known_ids: frozenset[int]
    unasked: frozenset[int]
    whole: bool

    @property
    def sound(self) -> list[models.Audience]:
        """Those that can be planned."""
        return [audience for audience in self.in_scope if audience.problem is None]

    @property
    def by_id(self) -> Mapping[int, models.Audience]:
        """Those that can be planned, once all of them have an id."""
        return {audience.audience_id: audience for audience in self.sound if audience.audience_id is not None}

    def identified(self, ids: Sequence[int]) -> "PlanAudiences":
        """The same with these ids for the `sound` ones, in order."""
        id_of = dict(zip((audience.name for audience in self.sound), ids, strict=True))
        return replace(
            self, in_scope=[replace(audience, audience_id=id_of.get(audience.name)) for audience in self.in_scope]
        )


class _ValueTypes(NamedTuple):
    audience: str
    types: Sequence[str] | None
    named: bool


def resolve(connection: Connection, request: PlanRequest, counts: Counts) -> PlanAudiences:
    """Finds the audiences of a plan. Raises `ConfigError` if the request names one that there is not, `HeldError` if
    the rows name too many that are new."""
    known = known_audiences(connection)
    whole = request.scope.whole
    people = newcomers.set_aside(counts, request.configured, known, request.guard, whole=whole)
    audiences = [*naming.resolve(request.configured, counts.names - people.keys(), known), *people.values()]
    _refuse_unknown(request.scope, audiences)
    audiences = [_apart_from_fields(audience, request.targets) for audience in audiences]
    audiences = _with_value_types(connection, counts, audiences, known)
    return PlanAudiences(
        in_scope=[audience for audience in audiences if request.scope.covers(audience)],
        others=[
            audience
            for audience in audiences
            if not request.scope.covers(audience) and audience.problem is None and audience.audience_id is not None
        ],
        known_ids=frozenset(audience.audience_id for audience in known),
        unasked=_unasked(known, audiences),
        whole=whole and all(audience.problem is None for audience in audiences),
    )


def _apart_from_fields(audience: models.Audience, targets: Sequence[Target]) -> models.Audience:
    """Sets an audience aside whose property is what a destination calls a field of its calls: one would hide the
    other."""
    for target in targets:
        if audience.property in target.mode.new_names and target.lists(audience) and audience.problem is None:
            problem = (
                f"its property `{audience.property}` is what `rename` of {target.name!r} calls a field; choose another"
                ' name there, or set property = "…" for it in [[audiences]]'
            )
            return replace(audience, problem=problem)
    return audience


def _unasked(known: Sequence[models.KnownAudience], audiences: Sequence[models.Audience]) -> frozenset[int]:
    names = {audience.name for audience in audiences}
    asked = {audience.audience_id for audience in audiences}
    return frozenset(
        each.audience_id for each in known if each.is_trait and each.name not in names and each.audience_id not in asked
    )


def _refuse_unknown(scope: Scope, audiences: Sequence[models.Audience]) -> None:
    known = {audience.name for audience in audiences} | {audience.property for audience in audiences}
    for name in sorted(scope.audiences - known):
        hint = did_you_mean(name, [word for word in known if word])
        hint = hint or "`syncer plan` lists those that there are"
        raise errors.ConfigError([errors.Problem("--audience", f"there is no audience {name!r}; {hint}")])


def _with_value_types(
    connection: Connection,
    counts: Counts,
    audiences: Sequence[models.Audience],
    known: Sequence[models.KnownAudience],
) -> list[models.Audience]:
    """Sets a computed trait aside if its values are not all of one type, or of another than was sent first."""
    traits = [audience.name for audience in audiences if audience.is_trait and not audience.problem]
    if not traits:
        return list(audiences)
    rows = counts.snapshot.fetch_all(connection, _ValueTypes, "list_value_types", {"names": traits})
    found = {row.audience: row for row in rows}
    known_by_id = {audience.audience_id: audience for audience in known}
    judged: list[models.Audience] = []
    for audience in audiences:
        row = found.get(audience.name)
        pinned = None if audience.audience_id is None else known_by_id.get(audience.audience_id)
        problem = naming.value_problem(row.types or (), pinned, named=row.named) if row else None
        if problem:
            audience = replace(audience, problem=problem)
        elif row and row.types:
            audience = replace(audience, value_type=row.types[0])
        judged.append(audience)
    return judged
