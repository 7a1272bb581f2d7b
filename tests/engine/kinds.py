"""The External Secrets Operator's CustomResourceDefinitions of the kinds that the platform uses.

They come from its Go module, which is downloaded once and verified by its sum.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import cast

from seawall.testbed.kit import Kit
from seawall.testbed.toolchain.cache import digest_of_files
from seawall.testbed.toolchain.go import ensure_go

__all__ = ["KINDS", "operators_kinds"]

KINDS = ("externalsecrets", "secretstores")
_OPERATOR = "github.com/external-secrets/external-secrets@v1.3.2"
_OPERATOR_SUM = "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ="
"""As `go mod download` verifies and prints it."""


def operators_kinds(kit: Kit) -> list[Path]:
    """The definitions as files, one for each kind."""
    key = digest_of_files([], _OPERATOR, _OPERATOR_SUM, *KINDS)
    folder = kit.cache.get("external-secrets-kinds", key, lambda target: _fetch(kit, target))
    return [folder / f"{kind}.yaml" for kind in KINDS]


def _fetch(kit: Kit, target: Path) -> None:
    go = ensure_go(kit.checkout, kit.cache, kit.progress)
    told = subprocess.run(
        [go, "mod", "download", "-json", _OPERATOR],
        cwd=target,
        env={**os.environ, "GOFLAGS": "-mod=mod", "GONOSUMDB": "*"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    module = cast("dict[str, str]", json.loads(told))
    assert module["Sum"] == _OPERATOR_SUM, "another module than the one that was looked at"
    for kind in KINDS:
        found = Path(module["Dir"]) / f"config/crds/bases/external-secrets.io_{kind}.yaml"
        shutil.copyfile(found, target / f"{kind}.yaml")
