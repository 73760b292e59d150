"""What is imported only once it is asked for, because it takes long to be imported and few commands need it."""

from collections import UserDict
from importlib import import_module
from typing import Any


class OnDemand(UserDict[str, Any]):
    """Things by their names. What is given as `module:name` is imported once it is asked for."""

    def __getitem__(self, key: str) -> Any:
        found = self.data[key]
        if isinstance(found, str):
            module, _, name = found.partition(":")
            found = self.data[key] = getattr(import_module(module), name)
        return found
