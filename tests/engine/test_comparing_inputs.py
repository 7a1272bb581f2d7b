"""The stand-in's pure parts: differences, drift, secrets in messages, owners of fields."""

import base64

import pytest

from seawall.engine.standin.delta import Change, changes, compare
from seawall.engine.standin.drift import APPLIED, live_inputs, record, secret_paths
from seawall.engine.standin.managers import Conflict, conflicts
from seawall.engine.standin.support import Options, Refusal, refusal_of_resource
from seawall.engine.standin.values import Json, JsonObject, Sealed, has_unknowns, pack, unpack

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def manifest(kind: str, **fields: Json) -> JsonObject:
    metadata: JsonObject = {"name": "n", "namespace": "s"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


def test_every_changed_leaf_is_named() -> None:
    old: JsonObject = {"a": {"b": 1, "gone": 2}, "l": [{"x": 1}], "m": {"k.io/x": "1"}}
    new: JsonObject = {"a": {"b": 2, "new": 3}, "l": [{"x": 2}], "m": {"k.io/x": "2"}}
    assert changes(old, new) == {
        "a.b": Change.UPDATE,
        "a.gone": Change.DELETE,
        "a.new": Change.ADD,
        "l[0].x": Change.UPDATE,
        'm["k.io/x"]': Change.UPDATE,
    }


def test_a_list_of_another_length_is_one_change() -> None:
    assert changes({"l": [1, 2]}, {"l": [1]}) == {"l": Change.UPDATE}


@pytest.mark.parametrize(
    ("old", "new", "replaced"),
    [
        (manifest("Service", spec={"clusterIP": "a"}), manifest("Service", spec={}), True),
        (manifest("Service", spec={"ports": [1]}), manifest("Service", spec={"ports": [2]}), False),
        (manifest("Pod", spec={"x": 1}), manifest("Pod", spec={"x": 2}), True),
        (manifest("ConfigMap", data={"a": "1"}), manifest("ConfigMap", data={"a": "2"}), True),
        (manifest("Secret", type="a"), manifest("Secret", type="b"), True),
    ],
)
def test_fields_that_the_server_does_not_change_replace_the_object(
    old: JsonObject, new: JsonObject, *, replaced: bool
) -> None:
    assert bool(compare(old, new, frozenset()).replaces) is replaced


def test_data_is_changed_in_place_where_the_options_say_so() -> None:
    old, new = manifest("Secret", stringData={"a": "1"}), manifest("Secret", stringData={"a": "2"})
    assert not compare(old, new, frozenset({"Secret"})).replaces
    assert compare(old, new, frozenset({"ConfigMap"})).replaces


def test_an_immutable_objects_data_replaces_it_whatever_the_options_say() -> None:
    old = manifest("ConfigMap", data={"a": "1"}, immutable=True)
    new = manifest("ConfigMap", data={"a": "2"}, immutable=True)
    assert compare(old, new, frozenset({"ConfigMap"})).replaces == {"data.a"}


def test_another_version_of_the_same_group_is_the_same_object() -> None:
    old, new = manifest("Job"), manifest("Job")
    old["apiVersion"], new["apiVersion"] = "batch/v1beta1", "batch/v1"
    assert not compare(old, new, frozenset()).replaces
    new["apiVersion"] = "apps/v1"
    assert compare(old, new, frozenset()).replaces == {"apiVersion"}


def test_an_object_that_keeps_its_name_goes_before_its_successor_comes() -> None:
    old, new = manifest("ConfigMap", data={"a": "1"}), manifest("ConfigMap", data={"a": "2"})
    assert compare(old, new, frozenset()).delete_first
    metadata: JsonObject = {"name": "other", "namespace": "s"}
    renamed: JsonObject = {**new, "metadata": metadata}
    assert not compare(old, renamed, frozenset()).delete_first


def test_a_default_that_the_server_fills_in_is_no_drift() -> None:
    inputs = manifest("Deployment", spec={"cpu": "1000m"})
    live = manifest("Deployment", spec={"cpu": "1", "defaulted": True})
    assert live_inputs(inputs, record(live, inputs), live) == inputs


def test_a_value_that_moved_is_drift() -> None:
    inputs = manifest("Deployment", spec={"cpu": "1000m", "replicas": 1})
    state = record(manifest("Deployment", spec={"cpu": "1", "replicas": 1}), inputs)
    live = manifest("Deployment", spec={"cpu": "1", "replicas": 4})
    assert live_inputs(inputs, state, live)["spec"] == {"cpu": "1000m", "replicas": 4}


def test_a_field_that_is_gone_from_the_live_object_is_drift() -> None:
    inputs = manifest("ConfigMap", data={"a": "1", "b": "2"})
    state = record(inputs, inputs)
    live = manifest("ConfigMap", data={"a": "1"})
    assert live_inputs(inputs, state, live)["data"] == {"a": "1"}


def test_drift_of_a_secret_is_seen_although_its_text_is_never_returned() -> None:
    inputs = manifest("Secret", stringData={"a": "one"})
    encoded = [base64.b64encode(text).decode() for text in (b"one", b"two")]
    state = record(manifest("Secret", data={"a": encoded[0]}), inputs)
    live = manifest("Secret", data={"a": encoded[1]})
    assert live_inputs(inputs, state, live)["stringData"] == {"a": "two"}


def test_kubectls_copy_of_an_object_is_not_recorded() -> None:
    inputs = manifest("Secret", data={})
    note: JsonObject = {"kubectl.kubernetes.io/last-applied-configuration": "plain", "x": "y"}
    metadata: JsonObject = {"name": "n", "annotations": note}
    live: JsonObject = {**inputs, "metadata": metadata}
    assert "plain" not in str(record(live, inputs))
    assert note["x"] == "y"


def test_all_data_of_a_secret_is_secret_also_in_the_applied_copy() -> None:
    paths = secret_paths(Sealed(manifest("Secret"), frozenset()))
    assert {("data",), ("stringData",), (APPLIED, "data"), (APPLIED, "stringData")} <= paths


def test_secrets_survive_the_way_through_the_wire_format() -> None:
    value: JsonObject = {"a": {"b": "s", "c": 1}, "d": 2.5}
    found = unpack(pack(value, [("a", "b")]))
    assert found == Sealed(value, frozenset({("a", "b")}))


def test_a_secret_inside_a_list_makes_the_list_secret() -> None:
    sealed_item = pack({"item": "s"}, [("item",)])["item"]
    message = pack({"l": [{"x": "placeholder"}]})
    message.fields["l"].list_value.values[0].struct_value.update({"x": sealed_item})
    assert unpack(message).paths == {("l",)}


def test_unknown_values_are_found_at_any_depth() -> None:
    assert has_unknowns({"a": [{"b": UNKNOWN}]})
    assert not has_unknowns({"a": [{"b": "known"}]})


@pytest.mark.parametrize(
    "manager", ["kubectl", "kubectl-edit", "kubectl-client-side-apply", "kubectl-patch"]
)
def test_what_kubectl_took_may_be_taken_back(manager: str) -> None:
    assert Conflict(".spec.replicas", manager).is_repairable


@pytest.mark.parametrize("manager", ["kube-controller-manager", "horizontal-pod-autoscaler", "x"])
def test_what_a_controller_owns_may_not_be_taken(manager: str) -> None:
    assert not Conflict(".spec.replicas", manager).is_repairable


def test_conflicts_are_read_from_the_servers_answer() -> None:
    cause: JsonObject = {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "kubectl-edit" using apps/v1',
        "field": ".spec.replicas",
    }
    assert conflicts([cause, {"reason": "Other"}]) == [Conflict(".spec.replicas", "kubectl-edit")]


@pytest.mark.parametrize(
    ("token", "kind", "named"),
    [
        ("kubernetes:helm.sh/v3:Release", "", "Helm charts and releases"),
        ("kubernetes:kustomize/v2:Directory", "", "Kustomize"),
        ("kubernetes:yaml/v2:ConfigGroup", "", "ConfigFile and ConfigGroup"),
        ("kubernetes:core/v1:ConfigMapPatch", "ConfigMap", "Patch resources"),
        ("kubernetes:core/v1:ConfigMap", "", "has no kind"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(token: str, kind: str, named: str) -> None:
    refusal = refusal_of_resource(token, {"apiVersion": "v1", "kind": kind})
    assert named in str(refusal)
    assert "stand-in" in str(refusal)


def test_a_custom_kind_may_end_in_patch() -> None:
    found = {"apiVersion": "example.com/v1", "kind": "RoadPatch"}
    assert refusal_of_resource("kubernetes:example.com/v1:RoadPatch", dict(found)) is None


@pytest.mark.parametrize(
    "args", [{"deleteUnreachable": "true"}, {"enableServerSideApply": "false"}]
)
def test_an_unsupported_option_is_refused_by_name(args: dict[str, str]) -> None:
    with pytest.raises(Refusal, match=next(iter(args))):
        Options.parse(dict(args))
