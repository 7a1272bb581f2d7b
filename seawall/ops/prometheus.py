"""The Prometheus that monitors an environment, queried through the cluster's API server."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from infra.config import BundledMonitoring, Operator
from seawall.common.errors import ClusterError, UsageError
from seawall.engine.sections import monitoring_of
from seawall.kube.api_server import Answer, Ask, api_server
from seawall.kube.kubectl import Kubectl
from seawall.ops.deployment import Target

__all__ = [
    "Found",
    "Matrix",
    "Place",
    "Prometheus",
    "Sample",
    "Series",
    "Single",
    "Vector",
    "place_of",
    "prometheus_at",
]

_MONITORING = "seawall:monitoring"
_BAD_QUERY = frozenset({400, 422})
"""HTTP statuses of Prometheus: 400 for a query that it cannot parse, 422 for one that fails."""
_OK = 200
_LONGEST = 300

R = TypeVar("R")
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Prometheus is.

    Attributes:
        namespace: the namespace of its Service.
        watches: the namespace of the environment; a Prometheus may monitor others as well.
        service: the name of the Service.
        port: the name or the number of the Service's port.
    """

    namespace: str
    watches: str
    service: str = "prometheus"
    port: str = "http"

    @property
    def matcher(self) -> str:
        """The label matcher for the environment's series."""
        return f'namespace="{self.watches}"'


class Sample(BaseModel):
    """A series and its current value."""

    metric: dict[str, str]
    value: tuple[float, str]

    @property
    def number(self) -> float:
        """The value; may be NaN."""
        return float(self.value[1])


class Series(BaseModel):
    """A series and its values: pairs of seconds since 1970 and the value as a string."""

    metric: dict[str, str]
    values: list[tuple[float, str]]


class Vector(BaseModel):
    """The result of a plain query."""

    kind: Literal["vector"] = Field(alias="resultType")
    result: list[Sample]


class Matrix(BaseModel):
    """The result of a query with a range, such as up[5m]."""

    kind: Literal["matrix"] = Field(alias="resultType")
    result: list[Series]


class Single(BaseModel):
    """The result of a query without series, such as time()."""

    kind: Literal["scalar", "string"] = Field(alias="resultType")
    result: tuple[float, str]


Found: TypeAlias = Annotated[Vector | Matrix | Single, Field(discriminator="kind")]
"""The result of a query."""


class _Answer(BaseModel):
    data: Found


class _Error(BaseModel):
    """An error response of Prometheus."""

    status: Literal["error"]
    error: str


class _Status(BaseModel):
    """An error response of the API server."""

    kind: Literal["Status"]
    message: str


_RAW: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


class Prometheus:
    """One Prometheus; use `prometheus_at` to create it."""

    def __init__(self, ask: Ask, place: Place) -> None:
        self._ask = ask
        self.place = place

    def raw(self, query: str) -> Mapping[str, JsonValue]:
        """The whole response to an instant query, unchanged.

        Raises:
            UsageError: Prometheus refuses the query.
            ClusterError: it cannot be reached, or its response has an unexpected form.
        """
        return _parsed(_RAW.validate_json, self._queried(query))

    def found(self, query: str) -> Found:
        """The result of an instant query; raises as `raw`."""
        return _parsed(_Answer.model_validate_json, self._queried(query)).data

    def samples(self, query: str) -> list[Sample]:
        """The samples of a query for a vector, sorted by their labels; raises as `raw`."""
        found = self.found(query)
        if not isinstance(found, Vector):
            raise ClusterError(f"Prometheus answers {query} with a {found.kind}, not a vector")
        return sorted(found.result, key=lambda sample: sorted(sample.metric.items()))

    def read(self, path: str, model: type[T]) -> T:
        """Another path below /api/v1/.

        Raises:
            ClusterError: Prometheus cannot be reached, or its response has an unexpected form.
        """
        return _parsed(model.model_validate_json, _body(self._get(path)))

    def _queried(self, query: str) -> str:
        answer = self._get("query?" + urlencode({"query": query}, quote_via=quote))
        if answer.status in _BAD_QUERY:
            try:
                reason = _Error.model_validate_json(answer.body).error
            except ValidationError:
                pass
            else:
                raise UsageError(f"Prometheus refuses the query {query}: {reason}")
        return _body(answer)

    def _get(self, path: str) -> Answer:
        place = self.place
        service = f"/api/v1/namespaces/{place.namespace}/services/{place.service}:{place.port}"
        return self._ask(f"{service}/proxy/api/v1/{path}")


@contextmanager
def prometheus_at(kubectl: Kubectl, place: Place) -> Generator[Prometheus]:
    """Context manager for the Prometheus of a place.

    Raises:
        ClusterError: kubectl cannot connect to the API server.
    """
    with api_server(kubectl) as ask:
        yield Prometheus(ask, place)


def place_of(target: Target) -> Place:
    """Where the Prometheus of an environment is, according to its configuration.

    Raises:
        UsageError: the environment has no bundled Prometheus; says what to do.
        WorkspaceError: the configuration cannot be read.
    """
    match monitoring_of(target.kit.layout(target.env)):
        case BundledMonitoring():
            return Place(target.namespace, watches=target.namespace)
        case Operator():
            cause = f"with {_MONITORING}.kind: operator the kit has no bundled Prometheus"
        case None:
            cause = f"without {_MONITORING} the kit has no Prometheus"
    raise UsageError(
        f"{target.env}: {cause}; query your Prometheus with the matcher "
        f'namespace="{target.namespace}" in the braces of the query'
    )


def _body(answer: Answer) -> str:
    if answer.status == _OK:
        return answer.body
    for model in (_Status, _Error):
        try:
            refusal = model.model_validate_json(answer.body)
        except ValidationError:
            continue
        reason = refusal.message if isinstance(refusal, _Status) else refusal.error
        raise ClusterError(f"Prometheus does not answer: {_line(reason)}")
    raise ClusterError(
        f"Prometheus does not answer: status {answer.status}: {_line(answer.body) or 'no text'}"
    )


def _parsed(parse: Callable[[str], R], body: str) -> R:
    try:
        return parse(body)
    except ValidationError as odd:
        raise ClusterError(f"Prometheus answers in an unknown form: {_line(body)}") from odd


def _line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."
