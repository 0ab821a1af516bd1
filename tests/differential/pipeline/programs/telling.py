"""Tells what a run of a pipeline said, made and raised, without what changes from run to run."""

import os
import re

TIME = re.compile(r"\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d\d")


class Ear:
    """A logger that keeps what it hears."""

    def __init__(self):
        self.heard = []

    def info(self, text):
        self.heard.append(text)

    debug = info

    def warning(self, text):
        if not text.startswith("    Hint:"):  # what is said beyond what upstream says
            self.heard.append(f"WARNING {text}")

    def error(self, text):
        self.heard.append(f"ERROR {text}")


def tell(title, call, *args, ordered=True, **named):
    """Call a function that takes a logger, and print what came of it.

    Stages that do not wait for each other come in an order that is nobody's promise; then it is not `ordered`.
    """
    ear = Ear()
    print(f"=== {title}")
    try:
        call(*args, logger=ear, **named)
    except BaseException as error:
        tell_error(error)
    stages, jobs = [], []
    for text in ear.heard:
        # Lines about jobs come in the order in which jobs are looked at and end, which is nobody's promise.
        (jobs if text.startswith("    ") and "Job" in text else stages).append(plain(text))
    if not ordered:
        stages.sort()
    print("\n".join(line.rstrip() for text in stages for line in text.split("\n")))
    for text in sorted(jobs):
        print(text)


def plain(text):
    return TIME.sub("DATE", str(text)).replace(os.getcwd(), "HERE")


def tell_error(error):
    print("raised", type(error).__name__)
    for stage, job, name, value, _ in getattr(error, "job_exceptions", ()):
        print("  ", [stage, job, name.replace("gangline.pipeline", "ruffus"), value])
    if not hasattr(error, "job_exceptions"):
        print("  ", plain(error).strip())


def tell_files():
    for folder, _, names in sorted(os.walk(".")):
        if "/.gangline" in folder:
            continue
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not name.startswith(".") and not path.endswith(".py") and "__pycache__" not in path:
                with open(path) as file:
                    print(path, repr(file.read()))


def get(path):
    with open(path) as file:
        return file.read()


def put(path, text=""):
    with open(path, "w") as file:
        file.write(text)
