"""Changes of the example platform, each of which violates one rule."""

from collections.abc import Callable
from dataclasses import dataclass

from infra.config.policies import Policies
from infra.resources import Resource
from tests.infra.policies.examples import ISSUER, Stack

STRICT = Policies()


@dataclass(frozen=True)
class Case:
    """One way to violate one rule.

    Attributes:
        change: the change of the platform.
        says: a part of the expected message.
        settings: the policy settings under which the change is checked.
    """

    change: Callable[[Stack], None]
    says: str
    settings: Policies = STRICT


GATEWAY = ("spec", "template", "spec")
CONTAINER = (*GATEWAY, "containers", 0)
DEPLOYMENT = "Deployment gateway"
REDIS = "StatefulSet redis"
TRUST = "assumeRolePolicy"
PLAIN = Policies(external_secrets=False)
HOSTS = Policies(spread="hosts")


def put(title: str, *path: str | int, value: object) -> Callable[[Stack], None]:
    return lambda stack: stack.put(title, *path, value=value)


def drop(title: str, *path: str | int) -> Callable[[Stack], None]:
    return lambda stack: stack.drop(title, *path)


def image(reference: str) -> Callable[[Stack], None]:
    return put(DEPLOYMENT, *CONTAINER, "image", value=reference)


def context(key: str, value: object) -> Callable[[Stack], None]:
    return put(DEPLOYMENT, *CONTAINER, "securityContext", key, value=value)


def of_pod(key: str, value: object) -> Callable[[Stack], None]:
    return put(DEPLOYMENT, *GATEWAY, "securityContext", key, value=value)


def arguments(*words: str, key: str = "args") -> Callable[[Stack], None]:
    return put(DEPLOYMENT, *CONTAINER, key, value=list(words))


def declare(token: str, **inputs: object) -> Callable[[Stack], None]:
    return lambda stack: stack.add(Resource(f"kubernetes:{token}", "x", inputs))


def variable(name: str, value: str) -> Callable[[Stack], None]:
    return put(DEPLOYMENT, *CONTAINER, "env", value=[{"name": name, "value": value}])


def right(**changes: object) -> Callable[[Stack], None]:
    return lambda stack: stack.statement("RolePolicy backup", "policy", **changes)


def trust(**changes: object) -> Callable[[Stack], None]:
    return lambda stack: stack.statement("Role backup", TRUST, **changes)


def equals(**changes: object) -> Callable[[Stack], None]:
    names = {f"{ISSUER}:{key}": value for key, value in changes.items()}
    return trust(Condition={"StringEquals": names})


def opened(**changes: object) -> Callable[[Stack], None]:
    return lambda stack: stack.statement("BucketPolicy backups", "policy", **changes)


def add_secret(**parts: dict[str, str]) -> Callable[[Stack], None]:
    return lambda stack: stack.add(_secret(parts))


def _secret(parts: dict[str, dict[str, str]]) -> Resource:
    return Resource("kubernetes:core/v1:Secret", "credentials", parts)


def unprotect(title: str) -> Case:
    return Case(lambda stack: stack.unprotect(title), "set protect=True")
