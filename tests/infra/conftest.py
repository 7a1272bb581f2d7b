"""The environments, each built once."""

import pytest

from tests.infra.environments import ENVIRONMENTS, Platform, Values, complete, platform_of


@pytest.fixture
def values() -> Values:
    """The values of `local`."""
    return complete("local")


@pytest.fixture(scope="session")
def platforms() -> dict[str, Platform]:
    """The four environments, each built once."""
    return {env: platform_of(complete(env)) for env in ENVIRONMENTS}


@pytest.fixture
def platform(platforms: dict[str, Platform]) -> Platform:
    """The `local` environment."""
    return platforms["local"]
