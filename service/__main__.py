"""`python -m service`: the gateway, with the settings file that SEAWALL_CONFIG names."""

import sys

from service.environment import settings_path
from service.server import run_or_explain

if __name__ == "__main__":
    sys.exit(run_or_explain(settings_path()))
