"""`python -m tools.config_reference >docs/configuration.md`."""

import sys

from tools.config_reference.page import page

sys.stdout.write(page())
