"""The command `syncer`: options, output and exit codes. Data goes to stdout, messages to stderr."""

from syncer.cli.main import main

__all__ = ["main"]
