"""The property of an audience: how a name becomes one, which are refused, and which audience owns one.

Pure: knows neither the configuration file nor the database.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import inflection

from syncer import errors, models, reserved

PATTERN = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
MAX_PROPERTY = 255
MAX_NAME = 500
VALUE_TYPES = ("text", "number", "boolean", "timestamp")

_CAMEL_WORD = re.compile(r"[A-Za-z]+")
_MIN_HUMP = 3


def property_of(name: str) -> str:
    """The property of a name: ASCII, lower case, every run of other characters a single `_`; may be empty."""
    ascii_name = inflection.transliterate(name)
    if _CAMEL_WORD.fullmatch(ascii_name):
        humps = inflection.underscore(ascii_name).split("_")
        if all(len(hump) >= _MIN_HUMP for hump in humps):
            return "_".join(humps)
    # `parameterize` keeps hyphens and underscores; a property has single underscores only.
    return inflection.parameterize(re.sub(r"[-_]+", " ", ascii_name), separator="_")


def property_problem(property_name: str) -> str | None:
    """Why a property cannot be used anywhere, or None."""
    if not PATTERN.fullmatch(property_name):
        return "a property is lower-case letters and digits in words joined by single underscores"
    if len(property_name) > MAX_PROPERTY:
        return f"a property has at most {MAX_PROPERTY} characters, this one has {len(property_name)}"
    if property_name in reserved.SEGMENT_PROPERTIES:
        return f"`{property_name}` is one of Segment's reserved traits"
    if property_name in reserved.MAILMODO_FIELDS:
        return f"`{property_name}` is one of Mailmodo's predefined fields"
    if property_name in reserved.SEGMENT_COLUMNS or property_name.startswith("context_"):
        return f"`{property_name}` is a column that Segment's warehouses reserve"
    return None


def name_problem(name: str, property_name: str | None = None) -> str | None:
    """Why an audience of this name (and configured property, if any) cannot be synced, and the way out; or None."""
    if len(name) > MAX_NAME:
        return f"its name has more than {MAX_NAME} characters; give it a shorter name"
    wanted = property_name if property_name is not None else property_of(name)
    if not wanted:
        return (
            f"the name {name!r} leaves nothing for a property: it has no letter or digit that ASCII knows;"
            ' rename it, or set property = "…" for it in [[audiences]]'
        )
    problem = property_problem(wanted)
    if problem and property_name is None:
        return f'{problem}; rename it, or set property = "…" for it in [[audiences]]'
    return problem


def listed(name: str) -> str:
    """The name as runs and alerts list it: one that is too long to be synced is cut, since an index holds it."""
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def configuration_problems(
    configured: Sequence[models.ConfiguredAudience], known: Sequence[models.KnownAudience] = ()
) -> list[errors.Problem]:
    """Every problem with the names and properties that the configuration itself gives; `known` is the state's."""
    problems: list[errors.Problem] = []
    first_with: dict[str, models.ConfiguredAudience] = {}
    retired = {audience.property: audience for audience in known if audience.retired}
    known_by_name = {audience.name: audience for audience in known}
    for audience in configured:
        where = f"{audience.path}.{'name' if audience.property is None else 'property'}"
        if problem := name_problem(audience.name, audience.property):
            problems.append(errors.Problem(where, problem))
            continue
        pinned = known_by_name.get(audience.name)
        if pinned and pinned.pinned and audience.property not in (None, pinned.property):
            problems.append(
                errors.Problem(
                    where,
                    f"{audience.property!r} cannot replace `{pinned.property}`, which destinations were already told;"
                    " a property is fixed when it is first synced: use that one, or define a new audience",
                )
            )
            continue
        wanted = _wanted(audience.name, audience.property, pinned)
        if wanted in retired and retired[wanted].name != audience.name:
            problems.append(
                errors.Problem(
                    where,
                    f"the property `{wanted}` belongs to {retired[wanted].name!r}, which is retired: contacts were told"
                    " it once, so no other audience can have it; give this one another name or property",
                )
            )
            continue
        if other := first_with.get(wanted):
            problems.append(
                errors.Problem(
                    where,
                    f"{audience.name!r} has the property `{wanted}`, and so has {other.name!r} ({other.path});"
                    ' set another property = "…" for one of them',
                )
            )
        first_with.setdefault(wanted, audience)
    return problems


def resolve(
    configured: Sequence[models.ConfiguredAudience],
    row_names: Iterable[str],
    known: Sequence[models.KnownAudience],
) -> list[models.Audience]:
    """The audiences of a run: those configured, those that the warehouse's rows name, those that vanished.

    An audience is found in the state by its name, else by its property: a rename keeps the state. Where several want
    one property its present owner keeps it, else the configured audience gets it; the others are set aside with their
    problem, and nobody leaves the owner meanwhile. A retired audience stays retired, whatever the rows say. Expects a
    configuration without `configuration_problems`.
    """
    overrides = {audience.name: audience.property for audience in configured}
    traits = {audience.name: audience for audience in configured if audience.is_trait}
    names = {*overrides, *row_names}
    by_name = {audience.name: audience for audience in known}

    audiences: list[models.Audience] = []
    wanting: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        own = by_name.get(name)
        problem = None if own and own.pinned else name_problem(name, overrides.get(name))
        if problem:
            audiences.append(models.Audience(name, None, problem=problem))
        else:
            wanting[_wanted(name, overrides.get(name), own)].append(name)

    audiences += _shares(wanting, overrides, known)

    present = {audience.audience_id for audience in audiences if audience.audience_id is not None}
    audiences += [
        models.Audience(gone.name, gone.property, audience_id=gone.audience_id, retired=gone.retired)
        for gone in known
        if gone.audience_id not in present
        and not gone.is_trait  # a computed trait that nobody asks for any more stays as last told
        and (gone.retired or (gone.name not in names and gone.property not in wanting))
    ]
    by_id = {audience.audience_id: audience for audience in known}
    return sorted((_as_trait(audience, traits, by_id) for audience in audiences), key=lambda audience: audience.name)


def value_problem(types: Sequence[str], pinned: models.KnownAudience | None, *, named: bool) -> str | None:
    """Why a computed trait whose query gave values of these types cannot be sent, and the way out; or None.

    Receivers fix the type of a property at its first value (Mailmodo, "Adding contacts via API"). `named`: rows of the
    membership name it as well.
    """
    if named:
        return "rows of the membership name an audience that is called like this computed trait; rename one of them"
    odd = [each for each in types if each not in VALUE_TYPES]
    if odd:
        return f"its values are {' and '.join(odd)}; cast the column to text, a number, a boolean or a timestamp"
    if len(types) > 1:
        return f"its values are {' and '.join(types)}; cast the column, so that all of them are of one type"
    if types and pinned and pinned.pinned and pinned.value_type not in (None, types[0]):
        return (
            f"its values are {types[0]}, and {pinned.value_type} was sent first, which fixed its type there;"
            " cast the column, or define a new trait"
        )
    return None


def _as_trait(
    audience: models.Audience,
    traits: Mapping[str, models.ConfiguredAudience],
    known: Mapping[int, models.KnownAudience],
) -> models.Audience:
    """Marks a computed trait. An audience that was sent can never become a computed trait, nor the other way round,
    also where the state knows it only by its property."""
    own = None if audience.audience_id is None else known.get(audience.audience_id)
    if own and own.pinned and own.is_trait != (audience.name in traits):
        was, now = ("computed trait", "audience") if own.is_trait else ("audience", "computed trait")
        return replace(audience, problem=f"it was sent as {was} first, and cannot become {now}; choose another name")
    if audience.name not in traits:
        return audience
    return replace(audience, is_trait=True, keeps=traits[audience.name].keeps)


def _wanted(name: str, override: str | None, own: models.KnownAudience | None) -> str:
    if own and own.pinned:
        return own.property
    return override if override is not None else property_of(name)


def _shares(
    wanting: Mapping[str, Sequence[str]], configured: Mapping[str, object], known: Sequence[models.KnownAudience]
) -> list[models.Audience]:
    """Which audience gets each property that is wanted; the others get a problem.

    An audience whose property was never sent gives it up by wanting another, unless it does not get the other.
    """
    wants = {name: property_name for property_name, rivals in wanting.items() for name in rivals}
    by_name = {audience.name: audience for audience in known}
    stays: set[str] = set()
    while True:
        owners = {
            audience.property: audience
            for audience in known
            if audience.pinned
            or audience.retired
            or audience.name in stays
            or wants.get(audience.name, audience.property) == audience.property
        }
        shared = [
            audience
            for property_name, rivals in wanting.items()
            for audience in _share(property_name, rivals, configured, owners.get(property_name), by_name)
        ]
        set_aside = {audience.name for audience in shared if audience.problem and audience.name in by_name}
        if set_aside <= stays:
            return shared
        stays |= set_aside


def _share(
    property_name: str,
    rivals: Sequence[str],
    configured: Mapping[str, object],
    owner: models.KnownAudience | None,
    by_name: Mapping[str, models.KnownAudience],
) -> list[models.Audience]:
    """Which of the rivals for one property gets it; the others get a problem."""
    winner = _winner(rivals, configured, owner)
    if winner and owner and owner.name != winner and winner in by_name:
        winner = None  # the state knows it beside the owner: this is no rename, but a claim to another's property
    if owner and owner.retired and owner.name != winner:
        winner = None
    shared: list[models.Audience] = []
    for name in rivals:
        if name == winner:
            own = by_name.get(name, owner)
            shared.append(
                models.Audience(
                    name,
                    property_name,
                    audience_id=own.audience_id if own else None,
                    retired=bool(own and own.retired),
                    contested=len(rivals) > 1 and not (own and own.retired),
                )
            )
        else:
            others = ", ".join(repr(other) for other in rivals if other != name)
            owned_by = winner or (owner.name if owner else None)
            belongs = f"belongs to {owned_by!r}" if owned_by else f"is also that of {others}"
            if owner and owner.retired:
                belongs = f"belongs to {owner.name!r}, which is retired"
            meanwhile = f" nobody leaves {winner!r} meanwhile;" if winner else ""
            shared.append(
                models.Audience(
                    name,
                    None,
                    problem=f"its property `{property_name}` {belongs};{meanwhile}"
                    ' rename it, or set property = "…" for it in [[audiences]]',
                )
            )
    return shared


def _winner(rivals: Sequence[str], configured: Mapping[str, object], owner: models.KnownAudience | None) -> str | None:
    if owner and owner.name in rivals:
        return owner.name
    if len(rivals) == 1:
        return rivals[0]
    named = [name for name in rivals if name in configured]
    return named[0] if len(named) == 1 else None
