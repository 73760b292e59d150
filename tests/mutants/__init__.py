"""`python -m tests.mutants` breaks the code on purpose, one predicate at a time, and asks whether the tests see it.

`tests/README.md` says how to run it, and what a whole run has still to say.
"""
