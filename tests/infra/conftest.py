"""The environments, each built once, and the schemas of Kubernetes, each read once."""

from collections.abc import Generator
from functools import cache

import pytest
from kubernetes_validate import utils  # pyright: ignore[reportMissingTypeStubs] - it has none

from tests.infra.environments import ENVIRONMENTS, Platform, Values, complete, platform_of


@pytest.fixture(scope="session", autouse=True)
def _schemas() -> Generator[None]:  # pyright: ignore[reportUnusedFunction] - used by itself
    """Cache the schema file, which the library otherwise reads again for every manifest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", cache(utils.schema_contents))
        yield


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
