"""The benchmark: syncer and what a user could pick instead, side by side on the same warehouse, server and receiver.

    .venv/bin/python -m tests.bench --help

`warehouse` makes the data in one of the `shapes`, `server` runs the PostgreSQL (`installed`: one that is not ours),
`sink` receives, `belief` judges what it received, `measure` runs a program, and `rounds` says who runs when. `bars` are
what the medians are held against. `contestants` says what takes part; `ours` sets syncer up, `theirs` the rivals, and
`rivals/` has the programs that stand for a user's own script. `pace` and `travel` are commands of their own, about the
limits that a receiver sets, and about what travels from a warehouse that keeps the last snapshot. `history` is one,
too: it asks a state with a long past (`past`), takes the times out of PostgreSQL's log (`statements`) and says what
each table and index holds (`holding`). So is `scale`, about as many members as a disk holds, which `many` makes;
and `freshness`, about a daemon while `changing` changes the warehouse: `seen` judges what was told when, `sampling`
looks at what that takes, and `fresh_report` writes it down. `regression` measures this version beside an earlier one
(`versions`), and fails if its plan is slower.
README.md has the results.
"""
