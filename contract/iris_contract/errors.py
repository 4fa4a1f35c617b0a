"""The exception tree.

    TestbedError                 anything the user can cause and must be told in one line
    └── InputError               a file or value that was given is wrong (exit status 2)
        ├── LayoutError          a file does not follow its layout
        ├── ScenarioError        a scenario is broken; names file, line and key
        ├── ManifestError        a manifest row is wrong
        ├── ReferenceFileError   a calibration reference is missing or unusable
        └── RunDirectoryError    a run directory is unwritable, in use or from another scenario

Every message is one line that names the file, the keyword or key, the value found and what to do.
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "InputError",
    "LayoutError",
    "ManifestError",
    "ReferenceFileError",
    "RunDirectoryError",
    "ScenarioError",
    "TestbedError",
]


class TestbedError(Exception):
    """Root of all errors that are the user's to mend; `exit_status` is what a script sees."""

    __test__ = False  # the name begins with "Test": keep pytest from collecting it
    exit_status = 2


class InputError(TestbedError):
    """Something given to the testbed is wrong.

    Parameters: `problem` in words; `file`, `key` and `value` where they are known.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        key: str | None = None,
        value: object = None,
    ) -> None:
        self.problem, self.file, self.key, self.value = problem, file, key, value
        where = f"{file}: " if file is not None else ""
        what = f"{key}={value!r}: " if key is not None else ""
        super().__init__(" ".join(f"{where}{what}{problem}".split()))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the journey back from a worker process with every field."""
        return (_rebuild, (type(self), self.problem, self.file, self.key, self.value))


def _rebuild(
    kind: type[InputError], problem: str, file: str | Path | None, key: str | None, value: object
) -> InputError:
    return kind(problem, file=file, key=key, value=value)


class LayoutError(InputError):
    """A file does not follow the layout it claims, or the one that was asked for."""


class ScenarioError(InputError):
    """A scenario cannot be run; `file` carries the line as `name.yaml:12`."""


class ManifestError(InputError):
    """A manifest, or one of its rows, is wrong."""


class ReferenceFileError(InputError):
    """A calibration reference is missing, or does not cover or match the data."""


class RunDirectoryError(InputError):
    """A run directory cannot be used."""
