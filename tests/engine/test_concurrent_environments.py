"""Concurrent deployments of several environments of one checkout."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.engine.chains import LENGTH, PROVIDER, chain, links, processes

if TYPE_CHECKING:
    from conftest import Scratch

pytestmark = pytest.mark.engine

MANY = 10


def test_ten_environments_are_deployed_concurrently(scratch: "Scratch") -> None:
    def deploy(number: int) -> None:
        own = dataclasses.replace(scratch, namespace=f"{scratch.namespace}-{number}")
        own.kubectl("create", "namespace", own.namespace)
        engine = own.engine(chain(own), env=f"test{number}")
        assert engine.up().changed == LENGTH + 2  # the stack and its provider, too
        assert links(own) == LENGTH
        assert engine.up().changed == 0

    for number in range(MANY):
        (scratch.checkout / f"Pulumi.test{number}.yaml").write_text("config: {}\n")
    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(deploy, range(MANY)))
    assert processes(PROVIDER, scratch.checkout) == []
