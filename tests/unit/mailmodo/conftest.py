"""A strict receiver, and a destination that points at it."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from syncer.destinations.mailmodo import MailmodoDestination
from syncer.receivers.mailmodo import MailmodoReceiver
from tests.unit.mailmodo.tools import KEY, at


@pytest.fixture
def receiver() -> Iterator[MailmodoReceiver]:
    with MailmodoReceiver(KEY, static_lists=["Segment"]) as running:
        yield running


@pytest.fixture
def destination(receiver: MailmodoReceiver) -> Iterator[MailmodoDestination]:
    with closing(at(receiver)) as made:
        yield made
