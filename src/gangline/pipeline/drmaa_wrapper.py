"""`run_job`: a command of a pipeline's job, run by a batch system, run on this machine, or only pretended to be run."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from gangline import errors
from gangline.pipeline.batch.drmaa_job import DrmaaJob, Ended, JobRejected, Pausable, explain
from gangline.pipeline.batch.ending import ending_of_error, resources_in_words
from gangline.pipeline.batch.errors import error_drmaa_job
from gangline.pipeline.batch.local import run_job_locally
from gangline.pipeline.batch.placement import Placement, placement
from gangline.pipeline.batch.script import (
    job_name_for,
    read_stdout_stderr_from_files,
    remove,
    write_job_script_to_temp_file,
)
from gangline.pipeline.batch.touching import touch_output_files
from gangline.pipeline.stages.lookup import lookup_pipeline

__all__ = [
    "error_drmaa_job",
    "read_stdout_stderr_from_files",
    "run_job",
    "run_job_locally",
    "touch_output_files",
    "write_job_script_to_temp_file",
]

_Lines = list[str] | str
_LONGEST_ARGUMENT = 100_000
_PLAIN = re.compile(r"[A-Za-z0-9_./:~@%+ -]*")


def run_job(
    cmd_str: str,
    job_name: str | None = None,
    job_other_options: str | None = None,
    job_script_directory: str | None = None,
    job_environment: Mapping[str, str] | None = None,
    working_directory: str | None = None,
    logger: Any = None,
    drmaa_session: Any = None,
    retain_job_scripts: bool = False,
    run_locally: bool = False,
    output_files: Any = None,
    touch_only: bool = False,
    verbose: int = 0,
    local_echo: bool = False,
    resubmit: int = 0,
    pipeline: Any = None,
) -> tuple[_Lines, _Lines]:
    """Run a shell command and wait for its end; by default as a job of a batch system.

    Args:
        cmd_str: The command.
        job_name: What the batch system shows; signs that it does not take become underscores.
        job_other_options: More options in the batch system's own words, such as its queue.
        job_script_directory: Where the job's script and its output lie meanwhile, seen by all machines of the
            cluster; None: the working directory of this program.
        job_environment: Environment variables of the command: beside the others in a batch system, instead of them on
            this machine.
        working_directory: Where the command runs; None: the working directory of this program.
        logger: Is told what happens.
        drmaa_session: An initialised session of the `drmaa` package. It works in this process only, so that the
            pipeline has to run with `multithread`. None where the pipeline runs on the backend "batch", which takes the
            command to the site's scheduler by itself.
        retain_job_scripts: Keep the script, with the job's number added to its name.
        run_locally: Run it on this machine instead.
        output_files: What `touch_only` touches.
        touch_only: Run nothing; set the times of `output_files` to now.
        verbose: Above 0 the logger is told what the job used.
        local_echo: With `run_locally`: show what the command writes as it comes.
        resubmit: How often at most the job is submitted, as long as it fails; 0 means 1. A job that the batch system
            does not take is submitted once.
        pipeline: The pipeline, or its name, whose pauses the job keeps; None: the main one.

    Returns:
        The lines written to standard output and to standard error; two empty texts with `touch_only`.

    Raises:
        error_drmaa_job: The command failed, was ended by a signal, was refused or was lost; the text and the attributes
            say which, with exit code or signal, output and the job's number.
    """
    owner = lookup_pipeline(pipeline)
    if touch_only:
        touch_output_files(cmd_str, output_files, logger)
        return "", ""
    if run_locally:
        return run_job_locally(cmd_str, job_environment, working_directory, local_echo)
    where = placement()
    if drmaa_session is None and where is None:
        raise error_drmaa_job(
            "Please specify a drmaa_session in run_job(). On the backend 'batch' only threads that a job itself starts "
            "need one, unless they are started with contextvars.copy_context().run"
        )
    order = _Order(
        cmd_str=cmd_str,
        job_name=job_name,
        job_other_options=job_other_options,
        job_script_directory=job_script_directory or os.getcwd(),
        job_environment={name: str(value) for name, value in (job_environment or {}).items()},
        working_directory=os.path.abspath(working_directory or os.curdir),
        retain_job_scripts=retain_job_scripts,
        verbose=verbose,
    )
    submit: _Submit
    if drmaa_session is None and where is not None:
        submit = partial(_run_at_site, order, where)
    else:
        submit = partial(_run_in_session, order, drmaa_session, owner, logger)
    return _submit_until_done(order, max(1, resubmit), submit, logger)


@dataclass(frozen=True, slots=True)
class _Order:
    """What to run, and how. See `run_job`."""

    cmd_str: str
    job_name: str | None
    job_other_options: str | None
    job_script_directory: str
    job_environment: dict[str, str]
    working_directory: str
    retain_job_scripts: bool
    verbose: int


class _Done(NamedTuple):
    """A job that has ended: its number, how it ended, and the lines that it wrote."""

    job_id: str
    ended: Ended
    stdout: list[str]
    stderr: list[str]


_Submit = Callable[[str, str, str], _Done]
"""Runs a script as a job: called with its path, and those of the files for its output and its errors."""


def _submit_until_done(order: _Order, submissions: int, submit: _Submit, logger: Any) -> tuple[list[str], list[str]]:
    for number in range(1, submissions):
        try:
            return _submit_once(order, submit, logger)
        except JobRejected:
            raise
        except error_drmaa_job as exc:
            if logger:
                message = f"{exc}\nResubmitting job, resubmission count is {number}"
                logger.debug(message)
    return _submit_once(order, submit, logger)


def _submit_once(order: _Order, submit: _Submit, logger: Any) -> tuple[list[str], list[str]]:
    script, stdout_path, stderr_path = write_job_script_to_temp_file(
        order.cmd_str,
        order.job_script_directory,
        order.job_name,
        order.job_other_options,
        order.job_environment,
        order.working_directory,
    )
    done: _Done | None = None
    try:
        done = submit(script, stdout_path, stderr_path)
    except JobRejected as exc:
        raise JobRejected(f"{exc}\nThe original command was: >> {order.cmd_str} <<\n") from exc
    finally:
        _clean_up(order, script, (stdout_path, stderr_path), done.job_id if done else None)
    _judge(order, script, done)
    if order.verbose and logger:
        used = resources_in_words(done.ended.usage or {})
        told = f"Drmaa command used {used} in running" if used else "Drmaa command successfully ran"
        message = f"{told} {order.cmd_str}"
        logger.info(message)
    return done.stdout, done.stderr


def _run_in_session(
    order: _Order, session: Any, pipeline: Pausable, logger: Any, script: str, stdout_path: str, stderr_path: str
) -> _Done:
    """Run the script through a DRMAA session of the user's."""
    with _job_template(order, session, script, stdout_path, stderr_path) as template:
        job = DrmaaJob(session, template, pipeline, logger)
        ended = job.run()
    ran = ended.ending.exit_code is not None
    stdout, stderr = read_stdout_stderr_from_files(
        stdout_path, stderr_path, logger if ran else None, order.cmd_str, tries=5 if ran else 0
    )
    assert job.job_id is not None  # it has ended
    return _Done(job.job_id, ended, stdout, stderr)


def _run_at_site(order: _Order, where: Placement, script: str, stdout_path: str, stderr_path: str) -> _Done:
    """Run the script as the pipeline's backend runs commands."""
    from gangline.pipeline.batch.site import run_at_site  # it is there already

    with open(script, encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    # The text and not the script, whose name is a new one in each run: so a program that was started again is known to
    # ask for the same.
    argv: tuple[str, ...] = ("/bin/sh", "-c", text) if len(text) < _LONGEST_ARGUMENT else (script,)
    try:
        words = tuple(shlex.split(order.job_other_options or ""))
    except ValueError as exc:
        raise JobRejected(f"job_other_options {order.job_other_options!r} cannot be read: {exc}") from exc
    ran = run_at_site(
        where,
        argv,
        name=job_name_for(order.job_name) if order.job_name else None,
        words=words,
        cwd=order.working_directory,
    )
    if isinstance(ran.error, errors.JobRejected):
        raise JobRejected(f"The drmaa command was rejected by the batch system: {ran.error}") from ran.error
    stdout, stderr = (text.splitlines(keepends=True) for text in (ran.stdout, ran.stderr))
    return _Done(ran.job_id, Ended(ending_of_error(ran.error), None), stdout, stderr)


@contextmanager
def _job_template(order: _Order, session: Any, script: str, stdout_path: str, stderr_path: str) -> Iterator[Any]:
    template = None
    try:
        try:
            template = session.createJobTemplate()
            _fill(template, order, script, stdout_path, stderr_path)
        except Exception as exc:  # classes of the bindings
            raise JobRejected(f"The drmaa command cannot be submitted: {explain(exc)}") from exc
        yield template
    finally:
        if template is not None:
            session.deleteJobTemplate(template)


def _fill(template: Any, order: _Order, script: str, stdout_path: str, stderr_path: str) -> None:
    # The script itself goes to its directory and sets its variables, whatever is in their names and values. Here are
    # those that a batch system does not read a meaning into.
    if _PLAIN.fullmatch(order.working_directory):
        template.workingDirectory = order.working_directory
    if plain := {name: value for name, value in order.job_environment.items() if _PLAIN.fullmatch(value)}:
        template.jobEnvironment = plain
    template.args = []
    template.jobName = job_name_for(order.job_name)
    if order.job_other_options is not None:
        template.nativeSpecification = order.job_other_options
    template.joinFiles = False
    template.remoteCommand = script
    # A host may stand before the colon; none means the one where the job runs.
    template.outputPath = f":{stdout_path}"
    template.errorPath = f":{stderr_path}"


def _judge(order: _Order, script: str, done: _Done) -> None:
    """Raise if the job did not do what it should."""
    job_id, ended, stdout, stderr = done
    ending = ended.ending
    if not ending.failed:
        return
    text = (
        f"The drmaa command {ending.in_words()}:\n"
        f"The original command was: >> {order.cmd_str} <<\n"
        f"The jobid was: {job_id}\n"
        f"The job script name was: {script}\n"
    )
    if ended.usage:
        text += f"Resources used: {dict(ended.usage)} "
    if stderr:
        text += f"The stderr was: \n{''.join(stderr)}\n\n"
    if stdout:
        text += f"The stdout was: \n{''.join(stdout)}\n\n"
    raise error_drmaa_job(
        text, exit_code=ending.exit_code, signal=ending.signal, job_id=job_id, stdout=stdout, stderr=stderr
    )


def _clean_up(order: _Order, script: str, outputs: tuple[str, ...], job_id: str | None) -> None:
    """Remove what the job leaves, whatever became of it."""
    for path in outputs:
        remove(path)
    if order.retain_job_scripts and job_id is not None:
        os.rename(script, f"{script}.{job_id}")
    else:
        remove(script)
