"""Where alerts go, and a heartbeat: whatever the servers there do, it ends in time."""

import threading
import time
from collections.abc import Sequence
from contextlib import closing
from http import HTTPStatus
from typing import Protocol

from pydantic import SecretStr

from syncer.exchanges import NoAnswerError
from syncer.log import Logger

_MESSAGE_SECONDS = 20.0
"""Seconds within which a message has to be taken. Timeouts of the libraries that send it begin anew with each byte."""

_HEARTBEAT_SECONDS = 10.0

log = Logger(__name__)


class Channel(Protocol):
    """Where messages go."""

    def send(self, title: str, body: str) -> bool:
        """Sends a message. Whether any recipient took it."""

    def beat(self) -> None:
        """Says that a run has succeeded."""


class _Delivery(threading.Thread):
    """One message on its way to one URL, in a thread that may be left behind: some servers never end an answer."""

    def __init__(self, place: str, url: SecretStr, title: str, body: str) -> None:
        super().__init__(name="alert", daemon=True)
        self.place = place
        self.took = False
        self.error: str | None = None
        self._message = url, title, body

    def run(self) -> None:
        """Fails in no other way than by `error`."""
        import apprise  # takes a quarter of a second, and most commands have no message to send

        url, title, body = self._message
        try:
            asset = apprise.AppriseAsset(app_id="syncer", app_desc="syncer", async_mode=False)
            one_url = apprise.Apprise(asset=asset)
            self.took = bool(one_url.add(url.get_secret_value()) and one_url.notify(body, title, body_format="text"))
        except Exception as error:  # a hundred services' code, and what the environment says to it
            self.error = type(error).__name__


class Apprise:
    """Slack, mail, webhooks and the rest, by the URLs of the library of this name; and a heartbeat."""

    def __init__(self, urls: Sequence[SecretStr], heartbeat_url: SecretStr | None) -> None:
        self._urls = urls
        self._heartbeat_url = heartbeat_url
        self._unanswered: dict[str, _Delivery] = {}

    def send(self, title: str, body: str) -> bool:
        """Sends to every URL, at once and within one deadline: none waits for another.

        One that fails is logged by its place in the configuration, since URLs are secret. One whose server has not
        answered the message before is left out.
        """
        deadline = time.monotonic() + _MESSAGE_SECONDS
        deliveries = []
        for index, url in enumerate(self._urls):
            place = f"alerts.urls[{index}]"
            if place in self._unanswered and self._unanswered[place].is_alive():
                log.warning("an alert was not sent: the one before has no answer yet", place=place)
                continue
            deliveries.append(_Delivery(place, url, title, body))
            deliveries[-1].start()
        for delivery in deliveries:
            delivery.join(max(0.0, deadline - time.monotonic()))
            if delivery.is_alive():
                self._unanswered[delivery.place] = delivery
                log.warning("an alert had no answer in time", place=delivery.place, seconds=_MESSAGE_SECONDS)
            elif delivery.error is not None:
                log.warning("an alert failed", place=delivery.place, error=delivery.error)
            elif not delivery.took:
                log.warning("an alert could not be delivered", place=delivery.place)
        return any(delivery.took for delivery in deliveries) or not self._urls

    def beat(self) -> None:
        """Pings the heartbeat's URL, if there is one."""
        if self._heartbeat_url is None:
            return
        from syncer.fetching import fetch, open_transport  # takes long, and most commands ask nobody

        url = self._heartbeat_url.get_secret_value()
        try:
            with closing(open_transport(url)) as transport:
                answer = fetch(transport, "GET", url, _HEARTBEAT_SECONDS)
        except NoAnswerError as error:
            log.warning("the heartbeat could not be sent", place="alerts.heartbeat_url", error=error.name)
            return
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            log.warning("the heartbeat was refused", place="alerts.heartbeat_url", http_status=answer.status)
