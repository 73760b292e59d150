"""A destination is one module and one line of the registry: a type that is known only here works like all others."""

import json
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field

from syncer import app, checking, config, errors, fields, opening
from syncer.calls import Call, Payload, Rate, Refusal, Track
from syncer.config import known
from syncer.config.settings import Settings
from syncer.destinations.encoding import check_values, encode, encode_each
from syncer.destinations.http import HttpSender
from syncer.destinations.options import DestinationSettings
from syncer.destinations.registry import DESTINATIONS
from syncer.receivers.loopback import EVERYTHING, Answer, Ending, Receiver
from syncer.receivers.loopback import Call as Received
from tests.integration.contract import Account, Decide, DestinationContract
from tests.world import World

# --- the module of a destination -----------------------------------------------------------------------------


class Clerk(fields.Table):
    """Those who work for a telegraph."""

    ways_out: ClassVar = {"pin": 'add pin = "…"'}

    pin: fields.Password
    badge: fields.Password | None = None


class TelegraphSettings(DestinationSettings):
    """`type = "telegraph"`."""

    ways_out: ClassVar = {
        **DestinationSettings.ways_out,
        "office": 'add office = "https://telegraph.example"',
        "code_word": 'add code_word = "${CODE_WORD}"',
    }
    counterparts: ClassVar = {"write_key": "code_word", "endpoint": "office"}

    type: Literal["telegraph"] = "telegraph"
    office: fields.Text
    code_word: fields.Key
    clerk: Clerk | None = None
    messengers: list[Clerk] = Field(default=[])
    relays: dict[fields.Text, Clerk] = Field(default={})

    def build(self) -> "TelegraphDestination":
        return TelegraphDestination(self)


class TelegraphDestination:
    """Telegrams, ten a request."""

    def __init__(self, settings: TelegraphSettings) -> None:
        self.name = settings.name
        self.page_size = 100
        self.concurrency = 2
        self.rate = Rate(0)
        self.recognises_events = True
        code_word = settings.code_word.get_secret_value()
        self._http = HttpSender(
            settings.name,
            settings.office,
            credential="code_word",
            address="office",
            headers={"X-Code-Word": code_word},
            secrets=(code_word,),
            timeout=settings.timeout,
            concurrency=self.concurrency,
        )

    def requests(self, identifies: Sequence[Call]) -> tuple[list[Payload], list[Refusal]]:
        encoded, refusals = encode_each(identifies, _encode)
        together = [encoded[first : first + 10] for first in range(0, len(encoded), 10)]
        return [Payload([call for call, _ in each], [body for _, body in each]) for each in together], refusals

    def body(self, request: Payload) -> bytes:
        return b"[" + b",".join(request.encoded) + b"]"

    def head(self, request: Payload) -> Sequence[str]:
        return self._http.head("POST", "/telegrams")

    def send(self, request: Payload) -> list[Refusal]:
        self._http.post("/telegrams", self.body(request))
        return []

    def account(self) -> Mapping[str, str]:
        return {"type": "telegraph", "endpoint": self._http.hostname, "identity": "email"}

    def key_hash(self, salt: bytes) -> str:
        return self._http.key_hash(salt)

    def problems(self) -> list[str]:
        return self._http.problems()

    def caveats(self) -> list[str]:
        return self._http.caveats()

    def close(self) -> None:
        self._http.close()


def _encode(call: Call) -> bytes:
    if isinstance(call, Track):
        return encode({"id": call.message_id, "to": call.email, "event": call.event})
    check_values(call.values)
    return encode({"id": call.message_id, "to": call.email, "values": call.values})


# --- its line of the registry --------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    """The settings are made from the registry when they are loaded, so they are made once more here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DESTINATIONS, "telegraph", TelegraphSettings)
        Settings.model_rebuild(force=True)
        yield
    Settings.model_rebuild(force=True)


# --- its test of the contract --------------------------------------------------------------------------------


class TelegraphOffice(Receiver):
    """Believes what it is told, each telegram once."""

    def __init__(self) -> None:
        super().__init__()
        self.belief: dict[str, dict[str, object]] = {}
        self.events: list[tuple[str, str]] = []
        self.decide: Decide | None = None
        self._known: set[str] = set()

    def _respond(self, call: Received) -> Ending:
        with self.http.changed:
            if call.headers.get("x-code-word") != "rosebud":
                return Answer(401)
            telegrams = json.loads(call.body)
            emails = [each["to"] for each in telegrams if "values" in each]
            ending = (self.decide(emails) if self.decide and emails else None) or Answer(200, apply=EVERYTHING)
            for telegram in telegrams if ending.apply else []:
                self._take(telegram)
            return ending

    def _take(self, telegram: dict[str, Any]) -> None:
        if telegram["id"] in self._known:
            return
        self._known.add(telegram["id"])
        if "event" in telegram:
            self.events.append((telegram["event"], telegram["to"]))
        else:
            self.belief.setdefault(telegram["to"], {}).update(telegram["values"])


class TestTelegraph(DestinationContract):
    @pytest.fixture
    def account(self) -> Iterator[Account]:
        with TelegraphOffice() as office:
            yield Account(
                type="telegraph",
                lines=f'type = "telegraph"\noffice = "{office.url}"\ncode_word = "rosebud"',
                secrets=["rosebud"],
                belief=lambda: office.belief,
                decide=lambda by: setattr(office, "decide", by),
                told=lambda: office.events,
                together=10,
            )
            assert office.violations == []

    def test_check_finds_nothing_until_it_cannot_be_reached(self, at: World, account: Account) -> None:
        with app.opened(opening.load(at.folder / "syncer.toml", {})) as opened:
            assert checking.problems(opened) == []
        path = at.folder / "syncer.toml"
        path.write_text(path.read_text().replace('office = "http', 'office = "https'))
        with app.opened(opening.load(path, {})) as opened:
            [problem] = checking.problems(opened)
        assert problem.path == "destinations[0]"
        assert "cannot be reached" in problem.message
        assert "check office" in problem.message


# --- what is wrong with its configuration ----------------------------------------------------------------------

TEXT = """
[warehouse]
url = "postgresql://reader@db.internal/analytics"
membership.table = "members"
[[destinations]]
name = "wire"
type = "telegraph"
office = "https://telegraph.example"
code_word = "hunter2"
clerk.pin = "hunter2"
"""


SPACED = "hunter2 hunter2"


def problems_of(folder: Path, text: str) -> dict[str, str]:
    path = folder / "syncer.toml"
    path.write_text(text)
    with pytest.raises(errors.ConfigError) as caught:
        config.load(path, {"SECRET": SPACED})
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    return {problem.path: problem.message for problem in caught.value.problems}


ONE_WORD = "must not hold blanks, line ends or control characters; copy the key again"
OF_SEGMENT = 'is a key of type = "segment", and this destination is of type "telegraph"; change `type`, or use'


@pytest.mark.parametrize(
    ("find", "replace", "path", "message"),
    [
        ('"hunter2"\nc', '"hunter2 hunter2"\nc', "code_word", ONE_WORD),
        ('"hunter2"\nc', '"${SECRET}"\nc', "code_word", f'{ONE_WORD} (got "${{SECRET}}")'),
        ('"hunter2"\nc', '["hunter2"]\nc', "code_word", "must be text in quotes"),
        ('"hunter2"\nc', "5000\nc", "code_word", "must be text in quotes"),
        ("code_word", "code_wort = 'hunter2'\ncode_word", "code_wort", "unknown key; did you mean `code_word`?"),
        ("code_word", "write_key = 'hunter2'\ncode_word", "write_key", f"{OF_SEGMENT} `code_word`"),
        ("code_word", "endpoint = 'https://x'\ncode_word", "endpoint", f"{OF_SEGMENT} `office`"),
        ("code_word", "# code_word", "code_word", 'is missing; add code_word = "${CODE_WORD}"'),
        ('"https://telegraph.example"', "5", "office", "must be text in quotes (got 5)"),
        ('"telegraph"', '"telegram"', "type", None),
        ("clerk.pin", "clerk.pim", "clerk.pim", "unknown key; did you mean `pin`?"),
        ('clerk.pin = "hunter2"', "clerk = {}", "clerk.pin", 'is missing; add pin = "…"'),
        ('clerk.pin = "hunter2"', 'clerk.pin = " "', "clerk.pin", "must not be empty"),
        (
            "clerk",
            "messengers = [{ badge = 5000, pin = 'hunter2' }] #",
            "messengers[0].badge",
            "must be text in quotes",
        ),
        ("clerk", "messengers = [{ badge = 'hunter2' }] #", "messengers[0].pin", 'is missing; add pin = "…"'),
        (
            "clerk",
            "relays.paris.badge = 5000\nrelays.paris.pin = 'x' #",
            "relays.paris.badge",
            "must be text in quotes",
        ),
        ("clerk", "relays.paris.pim = 'hunter2' #", "relays.paris.pim", "unknown key; did you mean `pin`?"),
    ],
)
def test_what_is_refused_and_no_secret_is_printed(
    tmp_path: Path, find: str, replace: str, path: str, message: str | None
) -> None:
    assert find in TEXT
    problems = problems_of(tmp_path, TEXT.replace(find, replace, 1))
    assert problems[f"destinations[0].{path}"] == (
        message or 'must be "segment" or "mailmodo" or "webhook" or "telegraph" (got "telegram")'
    )


def test_its_secrets_are_among_those_that_are_never_shown() -> None:
    assert {"code_word", "pin", "badge"} <= known.secret_keys()


def test_its_settings_print_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "syncer.toml"
    path.write_text(TEXT)
    [loaded] = config.load(path, {}).destinations
    assert isinstance(loaded, TelegraphSettings)
    assert loaded.code_word.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(loaded) + str(loaded.model_dump()) + loaded.model_dump_json()
