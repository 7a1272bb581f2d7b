"""The Pulumi program's entry for the plain CLI; the Automation API calls `deploy` itself."""

import pulumi

from infra.program import deploy
from infra.stack_config import given, renamed_keys

for warning in renamed_keys(given()):
    pulumi.log.warn(warning)
deploy()
