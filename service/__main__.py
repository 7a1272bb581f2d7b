"""`python -m service` runs the gateway with the settings file that SEAWALL_CONFIG names."""

import sys

from service.env import settings_path
from service.http.server import run_or_explain

if __name__ == "__main__":
    sys.exit(run_or_explain(settings_path()))
