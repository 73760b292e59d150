"""The benchmark: syncer and what a user could pick instead, side by side on the same warehouse, server and receiver.

    .venv/bin/python -m tests.bench --help

`warehouse` makes the data, `server` runs the PostgreSQL, `sink` receives, `belief` judges what it received, `measure`
runs a program. `contestants` says what takes part; `ours` sets syncer up, `theirs` the rivals, and `rivals/` has the
programs that stand for a user's own script. `pace` is a command of its own, about the limits that a receiver sets.
README.md has the results.
"""
