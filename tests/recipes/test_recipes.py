"""Every recipe of syncer/deploy/recipes, as it is shipped, against a receiver of that product's own rules."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from syncer import app, config, errors, opening
from syncer.calls import Destination, Identify
from syncer.destinations.options import DestinationSettings
from syncer.models import Value
from tests.integration.contract import Account, Decide, ReceiverContract
from tests.recipes.braze import Braze
from tests.recipes.customerio import CustomerIo
from tests.recipes.dittofeed import Dittofeed
from tests.recipes.hubspot import HubSpot
from tests.recipes.iterable import Iterable
from tests.recipes.jitsu import Jitsu
from tests.recipes.listmonk import Listmonk
from tests.recipes.posthog import PostHog
from tests.recipes.receiver import RecipeReceiver
from tests.recipes.rudderstack import RudderStack
from tests.world import World

FOLDER = Path(app.__file__).parent / "deploy" / "recipes"
RECIPES: dict[str, type[RecipeReceiver]] = {
    "braze": Braze,
    "customerio": CustomerIo,
    "dittofeed": Dittofeed,
    "hubspot": HubSpot,
    "iterable": Iterable,
    "jitsu": Jitsu,
    "listmonk": Listmonk,
    "posthog": PostHog,
    "rudderstack": RudderStack,
}
WAREHOUSE = {"WAREHOUSE_URL": "postgresql://reader@db.internal/analytics"}
EACH = pytest.mark.parametrize("name", RECIPES)


def settings_of(name: str) -> DestinationSettings:
    loaded = opening.load(FOLDER / f"{name}.toml", {**WAREHOUSE, **RECIPES[name].variables})
    [destination] = loaded.destinations
    return destination


def text_at(name: str, receiver: RecipeReceiver) -> str:
    """The recipe's destination, at the receiver's address, with its variables filled in."""
    text = (FOLDER / f"{name}.toml").read_text().partition("[[destinations]]\n")[2]
    assert receiver.address in text
    for variable, value in receiver.variables.items():
        text = text.replace(f"${{{variable}}}", value)
    return text.replace(receiver.address, receiver.url)


@contextmanager
def destination_at(receiver: RecipeReceiver, folder: Path) -> Iterator[Destination]:
    [name] = [name for name, kind in RECIPES.items() if isinstance(receiver, kind)]
    path = folder / "syncer.toml"
    head = '[warehouse]\nurl = "sqlite://"\n[warehouse.membership]\ntable = "members"\n'
    path.write_text(f"{head}[[destinations]]\n{text_at(name, receiver)}")
    [settings] = opening.load(path, {}).destinations
    with closing(settings.build()) as made:
        yield made


# --- the files ----------------------------------------------------------------------------------------------


def test_each_has_a_receiver_and_a_paragraph() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(RECIPES)
    paragraphs = (FOLDER / "README.md").read_text().split("\n## ")
    for name in RECIPES:
        [paragraph] = [each for each in paragraphs if f"`{name}.toml`" in each.partition("\n")[0]]
        lacking = [
            word for word in ("Identity", "Accepted", "Removal", "Limits", "Cost") if f"**{word}" not in paragraph
        ]
        assert lacking == [], name


@EACH
def test_it_loads_with_its_variables_and_not_without(name: str, tmp_path: Path) -> None:
    assert settings_of(name).name == name

    copy = tmp_path / "syncer.toml"
    shutil.copy(FOLDER / f"{name}.toml", copy)
    copy.chmod(0o644)
    assert config.caveats(copy, opening.load(copy, {**WAREHOUSE, **RECIPES[name].variables})) == []
    text = (FOLDER / f"{name}.toml").read_text()
    variables = {*RECIPES[name].variables, *WAREHOUSE}
    assert set(re.findall(r"\$\{(\w+)\}", text)) == variables
    assert all(f"\n# {variable} " in text for variable in variables)
    with pytest.raises(errors.ConfigError) as raised:
        opening.load(FOLDER / f"{name}.toml", {})
    assert all(variable in str(raised.value) for variable in variables)


@EACH
def test_it_asks_for_no_more_than_is_allowed(name: str) -> None:
    settings, rules = settings_of(name), RECIPES[name]
    with closing(settings.build()) as made:
        assert made.rate.per_second > 0
        assert rules.per_second is None or made.rate.per_second <= rules.per_second
    assert rules.max_items is None or getattr(settings, "batch", 1) <= max(rules.max_items, 1)


@EACH
def test_a_request_is_never_too_large(name: str, tmp_path: Path) -> None:
    """Calls of some 15 KB, one and a half times as many as a request may hold, and then all of them are there."""
    rules = RECIPES[name]
    with rules() as receiver, destination_at(receiver, tmp_path) as made:
        values: dict[str, Value] = {f"p{number}": True for number in range(15)}
        if rules.max_bytes is not None:
            values = dict.fromkeys(values, "x" * 990)
        if isinstance(receiver, HubSpot):
            receiver.properties |= set(values)
        count = (rules.max_bytes or 0) // 10_000 or (rules.max_items or 100) * 3 // 2
        calls = [Identify(f"{n}@x.io", 0, f"u{n}", f"{n}@x.io", f"syncer-{n}", values) for n in range(count)]

        requests, refusals = made.requests(calls)

        assert refusals == []
        assert [refusal for request in requests for refusal in made.send(request)] == []
        assert len(receiver.belief) == count
        assert receiver.violations == []


def test_hubspot_stops_at_an_audience_without_a_property(tmp_path: Path) -> None:
    with HubSpot() as receiver, destination_at(receiver, tmp_path) as made:
        [request], _ = made.requests([Identify("a@x.io", 0, "u1", "a@x.io", "m1", {"churn_risk": True})])

        with pytest.raises(errors.RequestRefusedError, match='Property "churn_risk" does not exist'):
            made.send(request)


def test_hubspot_is_told_texts(tmp_path: Path) -> None:
    """Of every kind of value: a computed trait may be a number, a text, or be taken back."""
    values: dict[str, Value] = {"vip_buyers": False, "spent": 12.5, "tier": 'Gold "A"', "left": None}
    with HubSpot() as receiver, destination_at(receiver, tmp_path) as made:
        receiver.properties |= set(values)
        [request], refusals = made.requests([Identify("a@x.io", 0, "u1", "a@x.io", "m1", values)])

        assert (made.send(request), refusals) == ([], [])
        assert receiver.belief == {"a@x.io": {"vip_buyers": False, "spent": "12.5", "tier": 'Gold "A"', "left": ""}}


# --- the contract -------------------------------------------------------------------------------------------


@EACH
class TestRecipe(ReceiverContract):
    """What depends on the receiver, or on what the recipe says of it."""

    @pytest.fixture
    def product(self, name: str) -> Iterator[RecipeReceiver]:
        with RECIPES[name]() as receiver:
            yield receiver
            assert receiver.violations == []

    @pytest.fixture
    def account(self, name: str, product: RecipeReceiver) -> Account:
        def decide(by: Decide | None) -> None:
            product.script = by

        def refuse(email: str | None, words: str) -> None:
            product.refuses = {email: words} if email else {}

        settings = settings_of(name)
        return Account(
            type=settings.type,
            lines=self.lines(name, product),
            secrets=list(product.variables.values()),
            belief=lambda: product.belief,
            decide=decide,
            told=(lambda: product.events) if settings.type == "segment" else None,
            together=getattr(settings, "batch", 2500) or 1,
            refuse=refuse if product.refuses_contacts else None,
            has_words=product.has_words,
            reads_body=settings.type == "webhook",
        )

    def lines(self, name: str, product: RecipeReceiver) -> str:
        """The recipe's destination without its name, and as fast as can be."""
        text = text_at(name, product).replace(f'name = "{name}"\n', "")
        return re.sub(r"^(max_\w+_per_second) = .*", r"\1 = 0", text, flags=re.M)

    def test_another_key_stops_it_at_once(self, at: World, account: Account, product: RecipeReceiver) -> None:
        path = at.folder / "syncer.toml"
        text = path.read_text()
        for value in product.variables.values():
            text = text.replace(value, "another-key-of-theirs")
        path.write_text(text)

        report = self.sync(at, 7)

        assert (report.succeeded, report.failed, report.unknown) == (0, 0, 0)
        assert "another-key-of-theirs" not in str(report.error)
