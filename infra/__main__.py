"""The Pulumi program's entry for the plain CLI; the Automation API calls `deploy` itself."""

import pulumi

from infra.parsing import renamed_keys
from infra.program import deploy
from infra.stack_config import given

for warning in renamed_keys(given()):
    pulumi.log.warn(warning)
deploy()
