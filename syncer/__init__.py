"""Keeps one boolean property per audience on every contact equal to what the warehouse says."""

from importlib import metadata

__version__ = metadata.version("engage-syncer")
