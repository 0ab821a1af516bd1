"""How a job ended, by what the batch system says of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gangline.pipeline.batch.ending import (
    Ending,
    ending_of_info,
    ending_of_return_code,
    format_bytes,
    resources_in_words,
)

LOST = "was lost by the batch system: nothing is known of its end"


def info(**said):
    """As a DRMAA session tells it."""
    nothing = {"hasExited": False, "hasSignal": False, "terminatedSignal": "", "wasAborted": False, "exitStatus": 0}
    return SimpleNamespace(**nothing | {"resourceUsage": {}} | said)


@pytest.mark.parametrize(
    ("said", "ending", "words"),
    [
        (info(hasExited=True), Ending(0), "exited with exit code 0"),
        (info(hasExited=True, exitStatus=130), Ending(130), "exited with exit code 130"),
        (info(hasSignal=True, terminatedSignal="SIGKILL"), Ending(signal=9), "was terminated by signal 9 (SIGKILL)"),
        (info(hasSignal=True, terminatedSignal="TERM"), Ending(signal=15), "was terminated by signal 15 (SIGTERM)"),
        (info(hasSignal=True, terminatedSignal="unknown 99"), Ending(signal=99), "was terminated by signal 99"),
        (
            info(wasAborted=True, resourceUsage={"exit_status": "137.0000"}),
            Ending(signal=9, aborted=True),
            "was terminated by signal 9 (SIGKILL), and the batch system aborted its job",
        ),
        (
            info(wasAborted=True, resourceUsage={"exit_status": "100.0000"}),
            Ending(exit_code=100, aborted=True),
            "exited with exit code 100, and the batch system aborted its job",
        ),
        (
            info(wasAborted=True),
            Ending(aborted=True),
            "was never ran: the batch system could not start it, or it was deleted before",
        ),
        (info(), Ending(known=False), LOST),
        (info(resourceUsage=None), Ending(known=False), LOST),
        (info(resourceUsage={"exit_status": "?"}), Ending(known=False), LOST),
    ],
)  # fmt: skip
def test_what_a_batch_system_says_becomes_an_ending(said, ending, words):
    assert ending_of_info(said) == ending
    assert ending.in_words() == words
    assert ending.failed is (ending != Ending(0))


def test_a_signal_without_a_number_is_still_a_failure():
    ending = ending_of_info(info(hasSignal=True, terminatedSignal="odd"))
    assert ending.failed


def test_negative_return_codes_are_signals():
    assert ending_of_return_code(3) == Ending(exit_code=3)
    assert ending_of_return_code(-9) == Ending(signal=9)


def test_sizes_are_written_with_their_unit():
    assert [format_bytes(1024.0**power * 1.5) for power in range(5)] == ["1.5bytes", "1.5KB", "1.5MB", "1.5GB", "1.5TB"]


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        ({}, ""),
        ({"maxvmem": "2048"}, "Mem=2.0KB"),
        ({"maxvmem": "2048", "mem": "0.5", "ru_wallclock": "12.0"}, "Mem=2.0KB(0.5), CPU wallclock= 12s"),
        ({"maxvmem": "much"}, "{'maxvmem': 'much'}"),
    ],
)
def test_resources_are_told_in_words(usage, words):
    assert resources_in_words(usage) == words
