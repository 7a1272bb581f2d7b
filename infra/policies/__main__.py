"""The entry of the Pulumi policy pack: `pulumi up --policy-pack infra/policies`."""

import sys
from pathlib import Path

# Pulumi puts this folder first; the packages of the checkout stand two above it.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from infra.policies.pack import serve  # noqa: E402 - not before the path is right

if __name__ == "__main__":
    serve()
