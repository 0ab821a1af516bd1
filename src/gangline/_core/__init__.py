"""The scheduler: when and where a task may run, and nothing else.

Pure: events go in, commands come out; time is an argument, randomness a seed. `machine` has one function for each
thing that can happen; `transitions` is the table of what may follow what; `check` walks every index and asserts that
they agree; `explain` says why a task is not running.
"""
