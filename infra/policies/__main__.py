"""The entry of the Pulumi policy pack: `pulumi up --policy-pack infra/policies`."""

import sys
from pathlib import Path

# Pulumi puts this folder first; the packages of the checkout are two levels above it.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from infra.policies.pack import serve  # noqa: E402 - only after the path is set

if __name__ == "__main__":
    serve()
