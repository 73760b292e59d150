"""Planning: from the warehouse's rows and the synced state to the changes that are to be told, in SQL.

`plan` goes through the destinations: `snapshot` says what the warehouse has, `differences` compares that with what a
destination was told, `changes` folds the differences into changes of contacts and asks the `guard`. `writing` keeps the
plan, `preview` throws it away. A destination was told what it accepted in an identify call.
"""
