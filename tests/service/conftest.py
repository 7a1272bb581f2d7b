import itertools
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.service.kit import FAST_TIMEOUTS, Gateway, Simulator

MODELS = 60


@pytest.fixture(scope="session")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Simulator, Simulator]]:
    folder = tmp_path_factory.mktemp("simulators")
    alpha, beta = Simulator("alpha", folder), Simulator("beta", folder)
    yield alpha, beta
    alpha.stop()
    beta.stop()


@pytest.fixture
def alpha(simulators: tuple[Simulator, Simulator]) -> Generator[Simulator]:
    yield simulators[0]
    simulators[0].heal()  # tests without this fixture send requests to the simulator, too


@pytest.fixture
def beta(simulators: tuple[Simulator, Simulator]) -> Generator[Simulator]:
    yield simulators[1]
    simulators[1].heal()


@pytest.fixture(scope="session")
def _shared_gateway(
    simulators: tuple[Simulator, Simulator], tmp_path_factory: pytest.TempPathFactory
) -> Generator[Gateway]:
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), simulators, models=MODELS)
    yield gateway
    gateway.stop()


@pytest.fixture
def gateway(_shared_gateway: Gateway, alpha: Simulator, beta: Simulator) -> Gateway:
    """A shared gateway for tests that do not change it, with healthy simulators."""
    del alpha, beta
    return _shared_gateway


@pytest.fixture(scope="session")
def _hasty_gateway(
    simulators: tuple[Simulator, Simulator], tmp_path_factory: pytest.TempPathFactory
) -> Generator[Gateway]:
    folder = tmp_path_factory.mktemp("hasty")
    gateway = Gateway(folder, simulators, models=MODELS, timeouts=FAST_TIMEOUTS)
    yield gateway
    gateway.stop()


@pytest.fixture
def hasty_gateway(_hasty_gateway: Gateway, alpha: Simulator, beta: Simulator) -> Gateway:
    """A shared gateway with short timeouts, for silent providers."""
    del alpha, beta
    return _hasty_gateway


_numbers = itertools.count()


@pytest.fixture
def model() -> str:
    """A model whose breakers no other test has used."""
    return f"model-{next(_numbers) % MODELS}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
