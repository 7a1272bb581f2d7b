"""Descriptions of the faults under load, by the name of the test that causes the fault."""

from typing import NamedTuple

__all__ = ["STORIES", "Story"]


class Story(NamedTuple):
    """One fault.

    Attributes:
        test: the test's name in a result, without its parameters.
        fault: the fault, for a reader who does not know the test.
        users: the effect on users, by design.
    """

    test: str
    fault: str
    users: str


STORIES: tuple[Story, ...] = (
    Story(
        "test_users_do_not_notice_a_provider_that_fails",
        "a provider refuses connections, answers 500 or HTML, or stops in the middle",
        "another provider answers",
    ),
    Story(
        "test_users_do_not_notice_the_deletion_of_a_gateway_pod",
        "a gateway pod is deleted",
        "it finishes what it has; new requests go to other pods",
    ),
    Story(
        "test_users_do_not_notice_the_deletion_of_the_redis_master",
        "the pod of the Redis master is deleted",
        "it hands its role over before it ends",
    ),
    Story(
        "test_users_do_not_notice_a_rolling_restart_of_everything",
        "all gateway, Redis, DNS and provider pods restart",
        "one pod at a time, each when its successor is ready",
    ),
    Story(
        "test_users_do_not_notice_a_drain_of_nodes",
        "nodes are drained",
        "pods move to other nodes first",
    ),
    Story(
        "test_a_node_without_power_costs_nothing_but_the_requests_in_flight",
        "a node with a gateway pod loses its power",
        "at most the requests in flight at that pod fail",
    ),
    Story(
        "test_the_loss_of_the_masters_node_costs_only_what_its_detection_takes",
        "the node of the Redis master loses its power, and clients use a Service",
        "requests to the lost node fail until Kubernetes notices, some ten seconds",
    ),
    Story(
        "test_a_partition_of_the_masters_node_heals_without_a_second_master",
        "the node of the Redis master is cut off the network, and comes back",
        "requests to the lost node fail until Kubernetes notices; there is never a second master",
    ),
)
