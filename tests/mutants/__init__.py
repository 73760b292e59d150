"""`python -m tests.mutants` breaks the code on purpose, one predicate at a time, and asks whether the tests see it.

What the last run said, and a word on each survivor, stands in `tests/README.md`.
"""
