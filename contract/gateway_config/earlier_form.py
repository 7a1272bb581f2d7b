"""The earlier form of the gateway's file: durations as numbers of seconds, `drain` for `shutdown`.

During an upgrade, a gateway of the previous release may read the file that this release writes. So
this release writes the earlier form and reads both forms. The next release writes the new form.
"""

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

from contract.values.durations import Duration

__all__ = ["from_earlier_form", "to_earlier_form"]

_Section: TypeAlias = Mapping[str, object]

_TIMEOUTS = {
    f"{name}_seconds": name
    for name in ("connect", "headers", "first_content", "gap", "quiet", "answer")
}
_DURATIONS = {
    "drain": {"serve_seconds": "serve", "grace_seconds": "grace"},
    "admission": {"deadline_seconds": "deadline"},
    "degradation": {"stale_seconds": "stale_answers"},
    "timeouts": _TIMEOUTS,
}
"""The durations of each section: their earlier names, and their names now."""
_SECTIONS = {"drain": "shutdown"}
"""The sections with another name: the earlier one, and the one of now."""


def from_earlier_form(document: _Section) -> _Section:
    """The document in the new form; what has this form already stays as it is."""
    return _converted(document, _DURATIONS, _SECTIONS, _text)


def to_earlier_form(document: _Section) -> _Section:
    """A valid document in the earlier form."""
    durations = {_SECTIONS.get(old, old): _reversed(names) for old, names in _DURATIONS.items()}
    return _converted(document, durations, _reversed(_SECTIONS), _seconds)


def _reversed(names: Mapping[str, str]) -> dict[str, str]:
    return {new: old for old, new in names.items()}


def _converted(
    document: _Section,
    durations: Mapping[str, Mapping[str, str]],
    sections: Mapping[str, str],
    value: Callable[[object], object],
) -> _Section:
    converted = {
        key: _section(section, durations[key], value) if key in durations else section
        for key, section in document.items()
    }
    models = converted.get("models")
    if isinstance(models, dict):
        converted["models"] = {
            name: _model(model, durations["timeouts"], value)
            for name, model in cast("dict[str, object]", models).items()
        }
    return _renamed(converted, sections)


def _model(model: object, names: Mapping[str, str], value: Callable[[object], object]) -> object:
    if not isinstance(model, dict) or "timeouts" not in model:
        return cast("object", model)
    fields = cast("dict[str, object]", model)
    return {**fields, "timeouts": _section(fields["timeouts"], names, value)}


def _section(
    section: object, names: Mapping[str, str], value: Callable[[object], object]
) -> object:
    if not isinstance(section, dict):
        return section
    fields = cast("dict[str, object]", section)
    return _renamed(
        {key: value(given) if key in names else given for key, given in fields.items()}, names
    )


def _renamed(fields: _Section, names: Mapping[str, str]) -> _Section:
    """Rename the keys; of two keys with one name, the renamed one stays and is then refused."""
    return {
        key if names.get(key, key) in fields else names.get(key, key): given
        for key, given in fields.items()
    }


def _text(given: object) -> object:
    """Seconds as a duration; a value that is no such number stays, so that it is refused."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        return given
    return f"{math.ceil(given * 1000)}ms"


def _seconds(given: object) -> object:
    return Duration.parse(given).seconds if isinstance(given, str) else given
