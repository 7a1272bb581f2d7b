"""Kubernetes quantities."""

import pytest

from infra.quantities import cpu_millis, memory_bytes


@pytest.mark.parametrize(("text", "millis"), [("250m", 250), ("0.25", 250), ("2", 2000)])
def test_cpu_quantity_is_parsed_in_millicores(text: str, millis: float) -> None:
    assert cpu_millis(text) == millis


@pytest.mark.parametrize(("text", "size"), [("1Ki", 1024), ("256Mi", 2**28), ("2Gi", 2**31)])
def test_memory_quantity_is_parsed_in_bytes(text: str, size: int) -> None:
    assert memory_bytes(text) == size


@pytest.mark.parametrize("text", ["", "fast", "-1", "1.5m", "1k", "0", "0.00"])
def test_invalid_cpu_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="CPU quantity"):
        cpu_millis(text)


@pytest.mark.parametrize("text", ["", "1", "1G", "1.5Gi", "0Mi"])
def test_invalid_memory_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="memory quantity"):
        memory_bytes(text)
