"""Works out the cases of `cases.py` with Gangline: declarations as JSON in, jobs as JSON out."""

import fnmatch

from gangline.pipeline import ruffus_exceptions as errors
from gangline.pipeline.expand import combinations, filtered, old_style, outputs, plain
from gangline.pipeline.expand.jobs import Notes
from gangline.pipeline.expand.rules import Patterns
from gangline.pipeline.expand.sources import Sources
from gangline.pipeline.indicators import Placeholder, combine, output_from, runtime_parameter
from gangline.pipeline.names.choose import choose_namer
from gangline.pipeline.names.decompose import decompose
from gangline.pipeline.names.formatter import FormatterNamer, formatter
from gangline.pipeline.names.inputs import InputMode, add_inputs, inputs
from gangline.pipeline.names.nested import replace_references
from gangline.pipeline.names.paths import abbreviate
from gangline.pipeline.names.regex import regex
from gangline.pipeline.names.suffix import suffix

__all__ = ["DIRECTORY", "play"]

DIRECTORY = "/lab/run"
WORDS = {word.__name__: word for word in (add_inputs, combine, formatter, inputs, output_from, regex, suffix)}
FILTERED = {
    "transform": filtered.transform_jobs,
    "mkdir": filtered.transform_jobs,
    "subdivide": filtered.subdivide_jobs,
    "collate": filtered.collate_jobs,
}


class Stage(Placeholder):
    def __init__(self, declaration, stages):
        self._name = declaration["name"]
        self.kind = declaration["kind"]
        self.args = [decode(part, stages) for part in declaration["args"]]
        self.named = {name: decode(part, stages) for name, part in declaration.get("named", {}).items()}
        self.syntax = "@" + self.kind
        self.find = stages.__getitem__
        self.single = self.kind == "merge"

    def blame(self, text):
        return getattr(errors, f"error_task_{self.kind}")(self, text)

    def references_replaced(self, structure):
        return replace_references(structure, lambda name: name if isinstance(name, Stage) else self.find(name))

    def jobs(self, sources, notes):
        if self.kind in ("files", "parallel"):
            return self.row_jobs(sources, notes)
        if self.kind in ("originate", "split", "merge"):
            return self.plain_jobs(sources)
        if self.kind == "mkdir" and not any(isinstance(part, (formatter, regex, suffix)) for part in self.args):
            return plain.mkdir_jobs(self.args)
        if self.kind == "files_re":
            return self.files_re_jobs(sources, notes)
        if self.kind in FILTERED:
            return self.filtered_jobs(FILTERED[self.kind], self.args, sources, notes)
        return self.combined_jobs(sources, notes)

    def plain_jobs(self, sources):
        make = getattr(plain, f"{self.kind}_jobs")
        if self.kind == "originate":
            return make(self.args[0], self.args[1:], sources)
        return make(self.references_replaced(self.args[0]), self.args[1], self.args[2:], sources)

    def row_jobs(self, sources, notes):
        if len(self.args) == 1 and callable(self.args[0]):
            return old_style.rows_jobs(self.args[0])
        if self.kind == "parallel":
            rows, self.single = old_style.parallel_rows(self.args, self.blame)
            return old_style.rows_jobs(rows)
        declared = old_style.file_rows(self.args, self.blame)
        self.single = declared.single
        replaced = declared._replace(inputs=self.references_replaced(declared.inputs))
        return old_style.files_jobs(replaced, sources, notes)

    def files_re_jobs(self, sources, notes):
        combining, args = old_style.files_re_arguments(self.args, self.blame)
        return self.filtered_jobs(FILTERED["collate" if combining else "transform"], args, sources, notes)

    def patterns(self, args):
        mode, more = InputMode.KEEP, None
        if args and isinstance(args[0], (inputs, add_inputs)):
            mode = InputMode.REPLACE if isinstance(args[0], inputs) else InputMode.ADD
            more = self.references_replaced(args[0].args[0] if isinstance(args[0], inputs) else args[0].args)
            args = args[1:]
        extras = self.named.get("extras", args[1:])
        return Patterns(args[0], extras, more=more, mode=mode)

    def filtered_jobs(self, make_jobs, args, sources, notes):
        allowed = (regex, formatter) if self.kind == "collate" else (regex, suffix, formatter)
        namer = choose_namer(args[1], self.syntax, self.blame, output_dir=self.named.get("output_dir"), allowed=allowed)
        stage = filtered.Filtered(self.references_replaced(args[0]), namer, self.patterns(args[2:]))
        return make_jobs(stage, sources, notes)

    def combined_jobs(self, sources, notes):
        if self.kind == "product":
            count = next(n for n in range(1, 9) if not isinstance((self.args + [0] * 9)[2 * n + 1], formatter))
            given, filters, rest = self.args[0 : 2 * count : 2], self.args[1 : 2 * count : 2], self.args[2 * count :]
        else:
            given, filters, size, rest = self.args[:1], self.args[1:2], self.args[2], self.args[3:]
        namers = [FormatterNamer(filter_.args, self.syntax, self.blame) for filter_ in filters]
        stage = combinations.Combined([self.references_replaced(part) for part in given], namers, self.patterns(rest))
        if self.kind == "product":
            return combinations.product_jobs(stage, sources, notes)
        return combinations.combinations_jobs(stage, combinations.Choice(self.kind), size, sources, notes)


def decode(value, stages):
    if isinstance(value, list):
        return [decode(part, stages) for part in value]
    if not isinstance(value, dict):
        return value
    kind, content = value["is"], value["of"]
    if kind == "stage":
        return stages[content]
    if kind == "runtime":
        return runtime_parameter(content)
    if kind == "rows":
        rows = decode(content, stages)
        return lambda: rows
    if kind == "dict":
        return {key: decode(part, stages) for key, part in content.items()}
    parts = [decode(part, stages) for part in content]
    if kind in ("tuple", "set"):
        return {"tuple": tuple, "set": set}[kind](parts)
    return WORDS[kind](*parts)


def encode(value):
    if isinstance(value, list):
        return [encode(part) for part in value]
    if isinstance(value, tuple):
        return {"is": "tuple", "of": [encode(part) for part in value]}
    if isinstance(value, set):
        return {"is": "set", "of": sorted((encode(part) for part in value), key=str)}
    if isinstance(value, dict):
        return {"is": "dict", "of": {str(key): encode(part) for key, part in value.items()}}
    return value


def play_stages(case, files):
    notes = Notes()
    sources = Sources(
        glob=lambda pattern: [name for name in files if fnmatch.fnmatchcase(name, pattern)],
        outputs=lambda stage, bare: stage_outputs(stage, sources, bare=bare and stage.single),
        directory=DIRECTORY,
        runtime=case["runtime"],
    )
    stages = {}
    try:
        for declaration in case["stages"]:
            stage = stages[declaration["name"]] = Stage(declaration, stages)
        jobs = list(stage.jobs(sources, notes))
        shown = [
            [encode(job.params)] if repr(job.params) == repr(job.shown) else [encode(job.params), encode(job.shown)]
            for job in jobs
        ]
    except Exception as error:
        return {"error": [type(error).__name__, str(error)]}
    try:
        made = encode(stage_outputs(stage, sources))
    except TypeError:
        made = None
    warnings, unmatched = sorted(notes.warnings), sorted(notes.unmatched)
    return {"jobs": shown, "outputs": made, "warnings": warnings, "unmatched": unmatched}


def stage_outputs(stage, sources, *, bare=False):
    made = outputs.collect_outputs(stage.jobs(sources, None), splits=stage.kind in ("split", "subdivide"))
    return outputs.as_input(made, bare=bare)


class Named:
    def __init__(self, name):
        self._name = name


def play_exception(case):
    kind = getattr(errors, case["class"])
    error = kind(*(Named(part["stage"]) if isinstance(part, dict) else part for part in case["args"]))
    if "about" in case:
        error.specify_task(Named(case["about"][0]), case["about"][1])
    return {"text": str(error), "bases": [base.__name__ for base in kind.__mro__ if "error_task" in base.__name__]}


def play(case, files):
    """Gangline's answer to a case."""
    if "stages" in case:
        return play_stages(case, files)
    if "class" in case:
        return play_exception(case)
    if "abbreviate" in case:
        return abbreviate(decode(case["abbreviate"], {}), case["level"], DIRECTORY)
    return decompose(case["decompose"])
