"""The command `syncer`: options, output and exit codes. Data goes to stdout, talk to stderr."""

from syncer.cli.commands import main

__all__ = ["main"]
