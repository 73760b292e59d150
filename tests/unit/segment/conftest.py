"""A strict receiver, and a destination that points at it."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from syncer.destinations.segment import SegmentDestination
from syncer.receivers.segment import SegmentReceiver
from tests.unit.segment.tools import KEY, NOW, build


@pytest.fixture
def receiver() -> Iterator[SegmentReceiver]:
    with SegmentReceiver(KEY) as running:
        yield running


@pytest.fixture
def destination(receiver: SegmentReceiver) -> Iterator[SegmentDestination]:
    clock = itertools.count()
    with closing(
        build(
            endpoint=receiver.url,
            timeout="5s",
            concurrency=4,
            now=lambda: NOW + timedelta(microseconds=next(clock)),
        )
    ) as made:
        yield made
