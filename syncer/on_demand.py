"""What is imported only once it is asked for, because it takes long to be imported and few commands need it."""

import gc
from collections import UserDict
from importlib import import_module
from typing import Any


class OnDemand(UserDict[str, Any]):
    """Things by their names. What is given as `module:name` is imported once it is asked for."""

    def __getitem__(self, key: str) -> Any:
        found = self.data[key]
        if isinstance(found, str):
            found = self.data[key] = _imported(*found.split(":"))
        return found


def _imported(module: str, name: str) -> Any:
    """What modules make while they are imported stays until the end: to look for garbage among it would take a tenth
    of the time."""
    gc.disable()
    try:
        return getattr(import_module(module), name)
    finally:
        gc.freeze()
        gc.enable()
