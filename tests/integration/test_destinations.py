"""Every destination keeps the contract."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import pytest

from syncer.destinations.registry import DESTINATIONS
from syncer.receivers.loopback import Ending
from syncer.receivers.mailmodo import MailmodoReceiver
from syncer.receivers.segment import SegmentReceiver
from tests.integration.contract import Account, Decide, DestinationContract
from tests.list_receiver import ListReceiver
from tests.webhook_receiver import WebhookReceiver

KEY = "AAAAAAA-BBBBBBB"
TOKEN = "t0ken-of-the-hook"
SECRET = "s3cret-of-the-hook"


def scripted(
    emails_of: Callable[[Any], Collection[str]], decide: Decide | None
) -> Callable[[Any], Ending | None] | None:
    if decide is None:
        return None
    return lambda received: decide(emails) if (emails := emails_of(received)) else None


class TestSegment(DestinationContract):
    @pytest.fixture
    def account(self) -> Iterator[Account]:
        with SegmentReceiver("the-write-key") as receiver:

            def emails(request: Any) -> list[str]:
                return [event["traits"]["email"] for event in request.events if event["type"] == "identify"]

            def decide(by: Decide | None) -> None:
                receiver.script = scripted(emails, by)

            yield Account(
                type="segment",
                lines=f'write_key = "the-write-key"\nendpoint = "{receiver.url}"\nmax_events_per_second = 0',
                secrets=["the-write-key"],
                belief=lambda: receiver.belief,
                decide=decide,
                told=lambda: [
                    (each.event["event"], each.event["context"]["traits"]["email"])
                    for each in receiver.events
                    if each.event["type"] == "track"
                ],
                together=2500,
            )
            assert receiver.violations == []


class MailmodoContract(DestinationContract):
    mode: str

    @pytest.fixture
    def account(self) -> Iterator[Account]:
        with MailmodoReceiver(KEY, lists=["Audiences"]) as receiver:

            def emails(call: Any) -> list[str]:
                return [contact["email"] for contact in call.contacts]

            def decide(by: Decide | None) -> None:
                receiver.script = scripted(emails, by)

            def refuse(email: str | None, words: str) -> None:
                receiver.refuses = {email: words} if email else {}

            yield Account(
                type="mailmodo",
                lines=f'type = "mailmodo"\napi_key = "{KEY}"\nlist_name = "Audiences"\nendpoint = "{receiver.url}"\n'
                f'max_requests_per_second = 0\nmode = "{self.mode}"',
                secrets=[KEY],
                belief=lambda: receiver.belief,
                decide=decide,
                told=lambda: [(event["event_name"], event["email"]) for event in receiver.events],
                together=100 if self.mode == "batch" else 1,
                refuse=refuse,
                reads_body=True,
            )
            assert receiver.violations == []


class TestMailmodoInBatches(MailmodoContract):
    mode = "batch"


class TestMailmodoOneByOne(MailmodoContract):
    mode = "single"


class WebhookContract(DestinationContract):
    batch: int

    @pytest.fixture
    def account(self) -> Iterator[Account]:
        with WebhookReceiver(arrays=self.batch > 0, token=TOKEN, hmac_secret=SECRET) as receiver:

            def emails(items: Any) -> list[str]:
                return [item["traits"]["email"] for item in items if item["type"] == "identify"]

            def decide(by: Decide | None) -> None:
                receiver.script = scripted(emails, by)

            def refuse(email: str | None, words: str) -> None:
                receiver.refuses = {email: words} if email else {}

            yield Account(
                type="webhook",
                lines=f'type = "webhook"\nurl = "{receiver.url}"\nbatch = {self.batch}\nhmac_secret = "{SECRET}"\n'
                f'headers = {{ Authorization = "Bearer {TOKEN}" }}',
                secrets=[TOKEN, SECRET, "team=7", "hooks/syncer"],
                belief=lambda: receiver.belief,
                decide=decide,
                told=lambda: [(event["event"], event["context"]["traits"]["email"]) for event in receiver.events],
                together=max(1, self.batch),
                refuse=refuse,
                reads_body=True,
            )
            assert receiver.violations == []


class TestWebhookOneByOne(WebhookContract):
    batch = 0


class TestWebhookInArrays(WebhookContract):
    batch = 10


class TemplatedWebhookContract(DestinationContract):
    """Without what is about connections: that is the same for every webhook."""

    test_throttled_and_then_unavailable = test_trouble_that_passes = None  # type: ignore[assignment]

    together: int
    templates: str

    @pytest.fixture
    def account(self) -> Iterator[Account]:
        with ListReceiver(TOKEN) as receiver:

            def decide(by: Decide | None) -> None:
                receiver.script = scripted(list, by)

            def refuse(email: str | None, words: str) -> None:
                receiver.refuses = {email: words} if email else {}

            yield Account(
                type="webhook",
                lines=f'type = "webhook"\nurl = "{receiver.url}"\nheaders = {{ Authorization = "Bearer {TOKEN}" }}\n'
                f'secrets = {{ project = "{SECRET}" }}\n{self.templates}',
                secrets=[TOKEN, SECRET],
                belief=lambda: receiver.belief,
                decide=decide,
                told=lambda: receiver.events,
                together=self.together,
                refuse=refuse,
                reads_body=True,
            )
            assert receiver.violations == []


EVENT = """templates.event.path = "/events"
templates.event.headers = { Idempotency-Key = "{{ message_id }}" }
templates.event.body = '{"name": {{ event }}, "email": {{ email }}, "key": {{ secrets.project }}}'
"""
KEYED = 'headers = { Idempotency-Key = "{{ message_id }}" }'
LIST = """"list": {{ audience | default("none") }}"""
MEMBER = "/lists/{{ property | default('everybody') }}/members/{{ email }}"


class TestWebhookTemplatedOneByOne(TemplatedWebhookContract):
    together = 1
    templates = f"""calls = "per_audience"
accept = {{ status = [200], pointer = "/ok" }}
{EVENT}
templates.entered = {{ {KEYED}, method = "PUT", path = "{MEMBER}", body = '{{"name": "a {{{{ user_id }}}}", {LIST}}}' }}
templates.changed = {{ {KEYED}, method = "PUT", path = "{MEMBER}", body = '{{"name": "a {{{{ user_id }}}}", {LIST}}}' }}
templates.left = {{ {KEYED}, method = "DELETE", path = "{MEMBER}", status = [200, 404] }}
"""


class TestWebhookTemplatedInBatches(TemplatedWebhookContract):
    """Without what is about statuses: that is the same as one by one."""

    test_a_bad_key_a_wrong_address_or_a_redirect_stops_it_at_once = None  # type: ignore[assignment]

    together = 10
    templates = f"""batch = 10
accept = {{ status = ["200-299"], pointer = "/ok", errors = "/rejected", index = "/row", message = "/why" }}
{EVENT}
templates.event.envelope = '{{"events": {{{{ items }}}} }}'
templates.changed.path = "/people"
templates.changed.body = '{{{{ {{"email": email, "id": message_id}} | merge(properties) }}}}'
templates.changed.envelope = '{{"key": "{{{{ secrets.project }}}}", "people": {{{{ items }}}} }}'
"""


def all_contracts(base: type[DestinationContract] = DestinationContract) -> set[type[DestinationContract]]:
    return {base, *(each for direct in base.__subclasses__() for each in all_contracts(direct))}


def test_no_destination_lacks_the_contract() -> None:
    """A type that can be configured is one that is tested here, under its own name."""
    tested = {each.__name__.lower() for each in all_contracts() if each.__name__.startswith("Test")}
    lacking = [kind for kind in DESTINATIONS if not any(f"test{kind}" in name for name in tested)]
    assert lacking == []
