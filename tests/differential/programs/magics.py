"""The magics in an IPython shell: %px, %%px, %autopx, %pxresult, %pxconfig."""

import contextlib
import logging
import sys

import ipyparallel as ipp
from IPython.core.interactiveshell import InteractiveShell
from transcript import show


def run(shell, text):
    print(">>>", text.replace("\n", "\n... "), flush=True)
    with contextlib.redirect_stderr(sys.stdout):
        done = shell.run_cell(text)
    if done.error_in_exec is not None:
        show("error", type(done.error_in_exec).__name__)
    return done.result


def start(rc):
    shell = InteractiveShell.instance()
    shell.showtraceback = lambda *args, **kwargs: None
    shell.ast_node_interactivity = "none"
    view = rc[:]
    view.block = True
    rc[:].activate()
    shell.user_ns["rc"] = rc
    shell.user_ns["view"] = view
    return shell


def lines(shell):
    show("registered", sorted(name for name in shell.magics_manager.magics["line"] if "px" in name))
    show("registered for cells", sorted(name for name in shell.magics_manager.magics["cell"] if "px" in name))
    run(shell, "%pxconfig --block --no-stream")
    run(shell, "%px a = 7")
    show("assigned", shell.user_ns["view"]["a"])
    run(shell, "%px print('printed', a)")
    run(shell, "%px a * 6")
    run(shell, "%px import sys; print('to stderr', file=sys.stderr)")
    run(shell, "%px 1 / 0")


def cells(shell):
    run(shell, "%%px\nb = a + 1\nprint('cell', b)")
    show("assigned", shell.user_ns["view"]["b"])
    run(shell, "%%px --targets 0\nb = 'only here'")
    show("on one", shell.user_ns["view"]["b"])
    run(shell, "%%px --targets 1:\nb = 'there'")
    show("by slice", shell.user_ns["view"]["b"])
    run(shell, "%%px --group-outputs=engine\nprint('one')\nprint('two')\n'answer'")
    run(shell, "%%px --group-outputs=order\nfrom IPython.display import display\ndisplay('x')\ndisplay('y')")
    run(shell, "%%px --local\nboth = 5")
    show("local too", (shell.user_ns["both"], shell.user_ns["view"]["both"]))
    run(shell, "%%px --out saved\nprint('kept')")
    show("saved", (type(shell.user_ns["saved"]).__name__, shell.user_ns["saved"].stdout))
    run(shell, "%%px --verbose\npass")


def later(shell):
    run(shell, "%%px --noblock -o later\nprint('late')\n'value'")
    shell.user_ns["later"].wait(60)
    shell.user_ns["later"].wait_for_output(60)
    show("result", shell.user_ns["later"].stdout)
    run(shell, "%pxresult")
    run(shell, "%pxresult -o again")
    show("again", shell.user_ns["again"] is shell.user_ns["later"])
    run(shell, "%pxconfig --noblock --verbose")
    run(shell, "%px c = 1")
    run(shell, "%pxconfig --block --no-verbose --targets all")
    run(shell, "%pxresult")


def automatic(shell):
    run(shell, "d = 'local'")
    run(shell, "%autopx")
    run(shell, "d = 'remote'")
    run(shell, "print(d)")
    run(shell, "%autopx")
    run(shell, "e = d")
    show("local again", shell.user_ns["e"])
    show("remote", shell.user_ns["view"]["d"])


def suffixed(shell):
    shell.user_ns["rc"][0].activate("_first")
    show("registered", sorted(name for name in shell.magics_manager.magics["line"] if "_first" in name))
    run(shell, "%pxconfig_first --block --no-stream")
    run(shell, "%px_first print('one engine')")


with ipp.Cluster(n=2, log_level=logging.ERROR) as rc:
    shell = start(rc)
    for part in (lines, cells, later, automatic, suffixed):
        print(f"== {part.__name__}")
        part(shell)
