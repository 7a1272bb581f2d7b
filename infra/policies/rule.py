"""Rules and violations, and how rules are applied to resources."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from infra.config.policies import Policies
from infra.policies.expand_lists import unfolded
from infra.policies.inputs import NotYetKnown
from infra.resources import Resource

__all__ = ["ResourceRule", "Rule", "StackRule", "Violation", "all_objects", "always", "apply"]


@dataclass(frozen=True, slots=True)
class Violation:
    """One resource breaks one rule."""

    rule: str
    title: str
    """The resource, as `Resource.title`."""
    message: str
    """What is wrong, with which value, and what to do; one line."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.title}: {self.message}"


def always(policies: Policies) -> bool:
    """For rules that hold in every environment."""
    del policies
    return True


@dataclass(frozen=True, slots=True)
class ResourceRule:
    """A rule that one resource keeps or breaks alone, checked before the resource is created."""

    name: str
    description: str
    messages: Callable[[Resource], Iterator[str]]
    wanted: Callable[[Policies], bool] = always

    def check(self, resource: Resource, objects: Sequence[Resource]) -> Iterator[str]:
        """The messages for `resource`; the other objects of the stack are ignored."""
        del objects
        return _each(resource, self.messages)


@dataclass(frozen=True, slots=True)
class StackRule:
    """A rule about a resource that depends on other resources of the stack.

    Pulumi calls it at the end of a preview and at the end of an update.
    """

    name: str
    description: str
    messages: Callable[[Resource, Sequence[Resource]], Iterator[str]]
    wanted: Callable[[Policies], bool] = always

    def check(self, resource: Resource, objects: Sequence[Resource]) -> Iterator[str]:
        """The messages for `resource` in a stack with `objects`, which `all_objects` returns."""
        return _each(resource, lambda item: self.messages(item, objects))


Rule: TypeAlias = ResourceRule | StackRule


def all_objects(stack: Sequence[Resource]) -> list[Resource]:
    """The objects that a stack declares: the resources themselves, or the objects in them."""
    return [item for resource in stack for item in unfolded(resource)]


def apply(
    rules: Sequence[Rule], resources: Sequence[Resource], policies: Policies
) -> Iterator[Violation]:
    """Every violation of the rules that `policies` switches on."""
    objects = all_objects(resources)
    for rule in rules:
        if rule.wanted(policies):
            for resource in resources:
                for message in rule.check(resource, objects):
                    yield Violation(rule.name, resource.title, message)


def _each(resource: Resource, messages: Callable[[Resource], Iterator[str]]) -> Iterator[str]:
    """The messages for each object in `resource`; objects in a list are named."""
    for item in unfolded(resource):
        where = "" if item.inputs is resource.inputs else f"{item.title}: "
        for message in _as_far_as_known(messages(item)):
            yield f"{where}{message}"


def _as_far_as_known(messages: Iterator[str]) -> Iterator[str]:
    try:
        yield from messages
    except NotYetKnown:
        return
