"""A program that gives a site's scheduler a few jobs, each of which leaves a line in a file for every time it runs.

Called with the folder for the lines and a file; no job ends before there is that file. Prints what the jobs have
printed.
"""

from __future__ import annotations

import sys

from gangline import Client, Command


def main() -> None:
    """Run the jobs."""
    lines, go = sys.argv[1:]
    with Client(backend="batch") as client:
        view = client.load_balanced_view()
        scripts = [
            f"echo run >> {lines}/{number}; until [ -e {go} ]; do sleep 0.05; done; echo {number}"
            for number in range(3)
        ]
        results = [view.apply(Command(script, name=f"job{number}")) for number, script in enumerate(scripts)]
        print("submitted", flush=True)
        for result in results:
            result.get()
        print(*(result.stdout.strip() for result in results))


if __name__ == "__main__":
    main()
