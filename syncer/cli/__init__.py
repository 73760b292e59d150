"""The command `syncer`: options, output and exit codes. Data goes to stdout, messages to stderr."""

import gc

# What modules make while they are imported stays until the end: looking for garbage among it takes a fifth of the
# second that a command needs to start.
gc.disable()
from syncer.cli.main import main  # noqa: E402

gc.freeze()
gc.enable()

__all__ = ["main"]
