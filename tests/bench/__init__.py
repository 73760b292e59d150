"""The benchmark: ours and what a user could pick instead, on the same warehouse, server and sink, side by side.

    .venv/bin/python -m tests.bench --help

Its modules: `warehouse` makes the data, `server` the PostgreSQL, `sink` receives, `belief` judges what it received,
`measure` runs a program, `contestants` says which and `rivals` holds what stands for a user's own script. `pace` is a
command of its own, about limits that a receiver sets.
"""
