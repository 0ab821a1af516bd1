"""What a recipe is given and what it gives: containers that check each value, and what they say of wrong ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Self

from gangline.errors import UsageError
from gangline.recipes.fields import MISSING, Field
from gangline.recipes.words import counted, meant, shown

__all__ = ["Ingredients", "InputError", "MissingInput", "Problem", "Value", "problems_of"]

FROM_CALL = "the call"


@dataclass(frozen=True, slots=True)
class Value:
    """A value before it is checked, and where it comes from, for messages."""

    value: Any
    source: str = FROM_CALL

    def __post_init__(self) -> None:
        if isinstance(self.value, Iterator):  # it is looked at more than once
            object.__setattr__(self, "value", list(self.value))


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one input or output.

    Attributes:
        name: Its name.
        text: What is wrong, in words.
    """

    name: str
    text: str


class InputError(UsageError, TypeError):
    """Inputs of a recipe are wrong or missing; all of them are named. Nothing was started.

    Args:
        owner: Whose they are: "recipe threshold".
        problems: What is wrong.
    """

    def __init__(self, owner: str, problems: Iterable[Problem]) -> None:
        self.owner = owner
        self.problems = list(problems)
        if len(self.problems) == 1:
            text = f"{owner}: {self.problems[0].text}"
        else:
            lines = "".join(f"\n  - {problem.text}" for problem in self.problems)
            text = f"{owner}: {counted(len(self.problems), 'thing')} are wrong with what it was given:{lines}"
        super().__init__(text)


class MissingInput(InputError, KeyError):
    """A value is asked for that was not given."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would put it in quotes


class Ingredients(MutableMapping[str, Any]):
    """Values by name, as `x["name"]` or `x.name`. What is put in is checked; a default stands in for what is not there.

    Args:
        fields: What there is.
        owner: Whose they are, for messages.
        kind: "input" or "output".
        common: Names that need not be told where all are.
    """

    def __init__(
        self, fields: Mapping[str, Field], owner: str = "", kind: str = "input", common: Collection[str] = ()
    ) -> None:
        self._fields = dict(fields)
        self._owner = owner
        self._kind = kind
        self._common = common
        self._values: dict[str, Any] = {}
        self._given: dict[str, str] = {}

    # As a dictionary ----------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        field = self._field(name)
        if field.default is MISSING:
            words = f"{self._kind} {name!r} has no value: {field.words()} is expected"
            raise MissingInput(self._owner, [Problem(name, words)])
        if field.default is None:
            return None
        value, problem = self._checked(name, Value(field.default, "its default"))
        if problem is not None:
            raise InputError(self._owner, [problem])
        if isinstance(value, MutableMapping | list):
            self._values[name] = value  # what is changed in it stays changed
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self._field(name)
        checked, problem = self._checked(name, Value(value))
        if problem is not None:
            raise InputError(self._owner, [problem])
        self._fields[name].prepare(checked)
        self._values[name] = checked
        self._given[name] = FROM_CALL

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values or (name in self._fields and self._fields[str(name)].default is not MISSING)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._fields if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._fields:
            raise AttributeError(f"{self._owner} has no {self._kind} {name!r}; {self._meant(name)}")
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            self[name] = value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self._values)!r})"

    # All at once --------------------------------------------------------------------------------------------------

    @property
    def fields(self) -> Mapping[str, Field]:
        """What is declared."""
        return self._fields

    def given(self, name: str) -> bool:
        """Whether a value was given, so that it is not the default's."""
        return name in self._values

    def source(self, name: str) -> str:
        """Where a value comes from, in words."""
        return self._given.get(name, "its default")

    def take(self, values: Mapping[str, Value], *, complete: bool = False) -> None:
        """Take values over from anywhere; all or, if something is wrong, none.

        Args:
            values: By name.
            complete: Whether none may be missing then.

        Raises:
            InputError: Values are wrong, names not known, or, if asked, values missing: all of them are told.
        """
        checked, problems = self._check_all(values)
        if complete:
            lacking = [name for name in self.missing() if name not in values]
            problems += [Problem(name, self._missing_text(name)) for name in lacking]
        if problems:
            raise InputError(self._owner, problems)
        self._values |= checked
        self._given |= {name: values[name].source for name in checked}

    def problems(self, values: Mapping[str, Value]) -> list[Problem]:
        """What is wrong with values; nothing is taken over."""
        return self._check_all(values)[1]

    def check_complete(self) -> None:
        """See that nothing is missing and all defaults are right.

        Raises:
            InputError: Names all that is wrong.
        """
        problems = [Problem(name, self._missing_text(name)) for name in self.missing()]
        for name, field in self._fields.items():
            if name not in self._values and field.default is not MISSING and field.default is not None:
                problem = self._checked(name, Value(field.default, "its default"))[1]
                problems += [] if problem is None else [problem]
        if problems:
            raise InputError(self._owner, problems)

    def prepare(self) -> None:
        """Make ready what the values stand for: folders that are to be made.

        Raises:
            InputError: Something cannot be made.
        """
        problems = []
        for name in self:
            if (value := self[name]) is None:
                continue
            try:
                self._fields[name].prepare(value)
            except OSError as error:
                problems.append(Problem(name, f"{self._kind} {name!r}: {value} cannot be made: {error.strerror}"))
        if problems:
            raise InputError(self._owner, problems)

    def missing(self) -> list[str]:
        """Which required values are not there."""
        return [name for name, field in self._fields.items() if field.required and name not in self._values]

    def complete(self) -> bool:
        """Whether all required values are there."""
        return not self.missing()

    def copy(self) -> Self:
        """The same values in a container of their own."""
        other = type(self).__new__(type(self))
        for name, value in vars(self).items():
            object.__setattr__(other, name, dict(value) if isinstance(value, dict) else value)
        return other

    # One value ----------------------------------------------------------------------------------------------------

    def _field(self, name: str) -> Field:
        if name not in self._fields:
            raise MissingInput(self._owner, [self._unknown(name, "")])
        return self._fields[name]

    def _check_all(self, values: Mapping[str, Value]) -> tuple[dict[str, Any], list[Problem]]:
        checked: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, given in values.items():
            if name not in self._fields:
                problems.append(self._unknown(name, given.source))
                continue
            value, problem = self._checked(name, given)
            if problem is None:
                checked[name] = value
            else:
                problems.append(problem)
        return checked, problems

    def _checked(self, name: str, given: Value) -> tuple[Any, Problem | None]:
        field = self._fields[name]
        try:
            return field.check(given.value), None
        except (ValueError, TypeError, AttributeError, KeyError, OSError) as error:
            # Fields may be the user's own; what they raise of themselves means that the value will not do.
            why = str(error)
        text = f"{self._kind} {name!r} is {shown(given.value)} (from {given.source}), but must be {field.words()}"
        return None, Problem(name, f"{text}: {why}" if why else text)

    def _unknown(self, name: str, source: str) -> Problem:
        where = f" (from {source})" if source else ""
        return Problem(name, f"there is no {self._kind} {name!r}{where}; {self._meant(name)}")

    def _meant(self, name: str) -> str:
        return meant(name, self._fields, [each for each in self._fields if each not in self._common])

    def _missing_text(self, name: str) -> str:
        field = self._fields[name]
        option = next(iter(sorted(field.optionstrings, key=len, reverse=True)), f"--{name.replace('_', '-')}")
        return f"{self._kind} {name!r} is missing; it must be {field.words()} ({option} on the command line)"


def problems_of(error: BaseException) -> list[Problem]:
    """What an error says of inputs; nothing, if it is another kind of error."""
    return error.problems if isinstance(error, InputError) else []
