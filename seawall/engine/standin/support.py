"""What the stand-in supports, and the refusals, by name, of what it does not.

A refusal is better than a guess: an option that is silently ignored would make a program that
works here behave otherwise with the official provider.
"""

from dataclasses import dataclass

from seawall.engine.standin.values import JsonObject, text_at

__all__ = ["NAME", "Options", "Refusal", "refusal_of_function", "refusal_of_resource"]

NAME = "the stand-in Kubernetes provider"

_OPTIONS = frozenset(
    {
        "context",
        "enableConfigMapMutable",
        "enableSecretMutable",
        "enableServerSideApply",
        "kubeconfig",
        "namespace",
        "upsertExistingObjects",
    }
)
# What the engine or the SDK adds to every provider's inputs.
_ENGINE_KEYS = frozenset({"pluginDownloadURL", "version"})
_OVERLAYS = {
    "helm.sh": "Helm charts and releases",
    "kustomize": "Kustomize",
    "yaml": "ConfigFile and ConfigGroup",
}


class Refusal(Exception):  # noqa: N818 - it is one, and reads so in `raise Refusal(...)`
    """Something the stand-in does not do; the message names it."""

    def __str__(self) -> str:
        return f"{NAME}: {super().__str__()}"


@dataclass(frozen=True, slots=True)
class Options:
    """The provider's options, as a program sets them."""

    kubeconfig: str
    context: str
    namespace: str
    upsert: bool
    mutable_kinds: frozenset[str]

    @classmethod
    def parse(cls, args: JsonObject) -> "Options":
        """The options in `args`; raises Refusal that names every unsupported one."""
        unknown = sorted(set(args) - _OPTIONS - _ENGINE_KEYS)
        if unknown:
            raise Refusal(
                f"unsupported provider option {', '.join(unknown)}; "
                f"supported: {', '.join(sorted(_OPTIONS))}"
            )
        if "enableServerSideApply" in args and not _is_on(args, "enableServerSideApply"):
            raise Refusal("enableServerSideApply=false is not supported")
        mutable = {
            kind
            for kind, option in (
                ("ConfigMap", "enableConfigMapMutable"),
                ("Secret", "enableSecretMutable"),
            )
            if _is_on(args, option)
        }
        return cls(
            kubeconfig=text_at(args, "kubeconfig"),
            context=text_at(args, "context"),
            namespace=text_at(args, "namespace"),
            upsert=_is_on(args, "upsertExistingObjects"),
            mutable_kinds=frozenset(mutable),
        )


def refusal_of_resource(type_token: str, manifest: JsonObject) -> Refusal | None:
    """Why a resource of this type cannot be managed, None when it can."""
    group = type_token.split(":")[1].partition("/")[0]
    kind = type_token.rsplit(":", 1)[-1]
    if group in _OVERLAYS:
        return Refusal(f"{_OVERLAYS[group]} are not supported ({type_token})")
    # A patch resource carries the kind that it patches; a custom kind may end in "Patch" itself.
    if kind.endswith("Patch") and text_at(manifest, "kind") == kind.removesuffix("Patch"):
        return Refusal(f"Patch resources are not supported ({type_token})")
    missing = [key for key in ("apiVersion", "kind") if not text_at(manifest, key)]
    if missing:
        return Refusal(f"{type_token} has no {' and no '.join(missing)}")
    return None


def refusal_of_function(token: str) -> Refusal:
    """The refusal of a function or of a component that the official provider implements."""
    group = token.split(":")[1].partition("/")[0] if ":" in token else token
    return Refusal(f"{_OVERLAYS.get(group, 'provider functions')} are not supported ({token})")


def _is_on(args: JsonObject, option: str) -> bool:
    # The engine sends a provider's options as strings or as JSON, by version.
    return str(args.get(option, "")).lower() == "true"
