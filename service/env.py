"""The process environment: the one module of the service that reads `os.environ`.

The environment only names the settings file; everything else is in that file.
"""

import os
from pathlib import Path

from contract.paths import CONFIG_FILE

__all__ = ["CONFIG_VARIABLE", "settings_path"]

CONFIG_VARIABLE = "SEAWALL_CONFIG"


def settings_path() -> Path:
    """The path of the settings file: SEAWALL_CONFIG, or else the path where the pod mounts it."""
    return Path(os.environ.get(CONFIG_VARIABLE, CONFIG_FILE))
