"""Types of single strings whose form has a name and is checked."""

from typing import Annotated

from contract.addresses import EXAMPLE, WORDS, check_base_url
from contract.values.text_types import Form, matching

__all__ = ["Id", "ModelName", "Name", "Url"]


def _is_url(text: str) -> bool:
    """True for a base URL; raises ValueError with the reason for any other text."""
    return bool(check_base_url(text))


Name = Annotated[
    str,
    # Shorter than DNS allows, because it becomes part of names such as simulator-<name>.
    Form("a DNS label", "gateway-1", matching(r"[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?")),
]
ModelName = Annotated[
    str, Form("a model's name", "gpt-4.1-mini", matching(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}"))
]
Id = Annotated[
    str,
    Form(
        "1 to 64 letters, digits, dots, hyphens or _", "team-1", matching(r"[A-Za-z0-9._-]{1,64}")
    ),
]
Url = Annotated[str, Form(WORDS, EXAMPLE, _is_url)]
