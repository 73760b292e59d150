"""Calls about nobody, one of each kind: to see what a destination would send, and whether it can."""

from collections.abc import Mapping
from datetime import UTC, datetime

from syncer.calls import Call, Identify, Track
from syncer.models import Mode, Value

AUDIENCE, PROPERTY = "VIP Buyers", "vip_buyers"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

_EMAIL, _USER = "ada@example.com", "u-1"


def calls_of(
    mode: Mode, name: str = AUDIENCE, property_: str = PROPERTY, traits: Mapping[str, Value] = {}
) -> dict[str, list[Call]]:
    """By kind: about a contact that enters and leaves the audience of this name, about one with a computed trait, and
    events."""

    def identify(values: Mapping[str, Value]) -> Identify:
        return Identify(
            contact=_USER if mode.identity == "user_id" else _EMAIL,
            part=0,
            user_id=_USER,
            email=_EMAIL,
            message_id=f"syncer-{0:040}",
            values=values,
            traits=traits,
        )

    def event(event: str, *, value: bool) -> Track:
        sample = identify({})
        return Track(sample.contact, 0, _USER, _EMAIL, sample.message_id, event, property_, value, AT, name)

    found: dict[str, list[Call]] = {}
    if mode.per_audience:
        found["entered"] = [identify({property_: True})._replace(about="audience", name=name)]
        found["left"] = [identify({property_: False})._replace(about="audience", name=name)]
        found["changed"] = [
            identify({"score": value})._replace(about="trait", name="score") for value in (7, 'a "text"', None)
        ]
    else:
        found["changed"] = [identify({property_: True}), identify({property_: False, "score": 'a "text"'})]
    if mode.events is not None:
        found["event"] = [event(mode.events.entered, value=True), event(mode.events.exited, value=False)]
    return found
