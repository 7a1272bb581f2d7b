"""What the tests on a cluster share beside the environment itself."""

import pytest

from seawall.load import ConstantLoad
from tests.cluster.watching import constant_load
from tests.conftest import Environment


@pytest.fixture
def load(environment: Environment) -> ConstantLoad:
    """A load at the usual rate, not yet started."""
    return constant_load(environment)
