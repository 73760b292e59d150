"""The API, asked for whatever its document allows, and for what it does not: it answers as described."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from tests.integration.console.conftest import BEARER, GUARDED, Served
from tests.integration.console.test_api import DOCUMENT
from tests.world import GUARD_FROM_TWO, World, members

EXAMPLES = 6


@pytest.mark.api
def test_whatever_is_asked(world: World, served: Served) -> None:
    import schemathesis  # takes a second, and who runs the other tests need not have it
    from schemathesis.checks import CHECKS, load_all_checks
    from schemathesis.generation import GenerationMode

    load_all_checks()
    # Names that are well-formed are mostly those of nothing, and are refused.
    excluded: Any = [CHECKS.get_one("positive_data_acceptance")]
    world.extra = GUARD_FROM_TWO + GUARDED
    for count in (6, 2):
        world.warehouse.replace(members(count))
        world.sync()
    console = served(world)
    base = str(console.base_url).rstrip("/")
    asked = 0
    operations: Any = schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    for found in operations:
        for mode in GenerationMode:

            @given(case=found.ok().as_strategy(generation_mode=mode))
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                derandomize=True,
                phases=[Phase.generate],
            )
            def ask(case: Any) -> None:
                nonlocal asked
                asked += 1
                answer = case.call(base_url=base, headers=BEARER)
                if answer.status_code in (413, 431):  # which schemathesis does not take for a refusal
                    assert len(answer.request.url or "") + len(answer.request.body or b"") > 5000
                else:
                    case.validate_response(answer, excluded_checks=excluded)

            with suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
                ask()
    assert asked > 5 * len(DOCUMENT["paths"])
    assert console.get("/now.json").status_code == 200
