"""How a text becomes settings."""

from pathlib import Path

import pytest

from syncer import config
from tests.unit.config.texts import Load


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str | bytes, **environ: str) -> config.Settings:
        file = tmp_path / "syncer.toml"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return config.load(file, environ)

    return load
