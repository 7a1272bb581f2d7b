"""The process environment: the one module of the service that reads `os.environ`.

It only says where the settings file lies; everything else is in that file.
"""

import os
from pathlib import Path

from contract.paths import CONFIG_FILE

__all__ = ["CONFIG_VARIABLE", "settings_path"]

CONFIG_VARIABLE = "SEAWALL_CONFIG"


def settings_path() -> Path:
    """The settings file: the variable SEAWALL_CONFIG, else where the pod mounts it."""
    return Path(os.environ.get(CONFIG_VARIABLE, CONFIG_FILE))
