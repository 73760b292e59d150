"""Alerts are plain text, whatever stands in a name, and the log says nothing of where they go."""

import io
import smtplib
from email import message_from_string, policy
from typing import Any

import pytest
from pydantic import SecretStr

from syncer import log
from syncer.daemon import channels
from syncer.receivers.loopback import Answer, Call, Loopback
from tests import commands

LINK = '<a href="https://evil.example">[VIP](https://evil.example) <!channel>'


class Mails:
    """Stands for smtplib's connection, and keeps what it is given."""

    sent: list[str]

    def __init__(self, *_arguments: Any, **_options: Any) -> None: ...

    def __getattr__(self, _name: str) -> Any:
        return lambda *_arguments, **_options: None

    def sendmail(self, _sender: str, _to: Any, message: str, **_options: Any) -> None:
        type(self).sent.append(message)


@pytest.mark.parametrize("wanted", ["", "&format=html", "&format=text"])
def test_a_name_is_no_markup_in_a_mail(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    Mails.sent = []
    monkeypatch.setattr(smtplib, "SMTP", Mails)
    channel = channels.Apprise([SecretStr(f"mailto://user:password@mail.example?to=ops@mail.example{wanted}")], None)

    assert channel.send("syncer: held for approval", f"{LINK}: 3 contacts wait")

    [mail] = [message_from_string(each, policy=policy.default) for each in Mails.sent]
    parts = {part.get_content_subtype(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    assert LINK in parts["plain"].replace("\n", " ")
    assert "<a " not in parts.get("html", "")


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_no_level_of_the_log_says_where_alerts_go(level: str) -> None:
    stream = io.StringIO()

    def respond(_call: Call) -> Answer:
        return Answer(500)

    with Loopback(respond) as phone, commands.own_logging():
        log.configure("json", level, stream)
        place = phone.url.removeprefix("http://")
        assert not channels.Apprise([SecretStr(f"json://{place}/T000/s3cret")], None).send("syncer: late", "no run")

    assert "alerts.urls[0]" in stream.getvalue()
    assert "s3cret" not in stream.getvalue()
    assert place not in stream.getvalue()
