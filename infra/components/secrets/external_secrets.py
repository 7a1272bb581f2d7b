"""Secrets that the External Secrets Operator copies into the cluster.

No value passes through the program, so the stack's state contains none. The team installs the
operator; its objects are described at https://external-secrets.io/latest/api/spec/.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import ServiceAccount
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract.paths import API_KEYS_FILE, REDIS_EXPORTER_PASSWORD_FILE, REDIS_URLS_FILE
from infra.components.gateway.files import api_keys_file
from infra.config import AwsSecretsManager, Vault
from infra.labels import labels_of
from infra.secret_names import api_key_secret
from infra.workloads.workload import SecretFiles

__all__ = ["SERVICE_ACCOUNT", "ExternalSecrets", "ExternalSecretsArgs"]

_API_VERSION = "external-secrets.io/v1"
SERVICE_ACCOUNT = "seawall-secrets"
"""The operator's service account towards a store that needs one."""
_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
_Values: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ExternalSecretsArgs:
    """What ExternalSecrets needs."""

    namespace: pulumi.Input[str]
    store: Vault | AwsSecretsManager
    role_arn: pulumi.Input[str] | None = None
    """The AWS role that the service account assumes."""


class ExternalSecrets(pulumi.ComponentResource):
    """The SecretStore of the namespace; `fill` adds an ExternalSecret for each Secret."""

    def __init__(
        self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:secrets:ExternalSecrets", name, None, opts)
        self._args = args
        account = self._service_account()
        self._store = CustomResource(
            name,
            api_version=_API_VERSION,
            kind="SecretStore",
            metadata=self._metadata(name),
            spec={"provider": _provider(args)},
            opts=pulumi.ResourceOptions(parent=self, depends_on=account),
        )
        self._store_name = name
        self.register_outputs({})

    def fill(
        self,
        name: str,
        metadata: ObjectMetaArgs,
        files: SecretFiles,
        opts: pulumi.ResourceOptions,
    ) -> pulumi.Output[str]:
        """Declare the ExternalSecret that creates the Secret; see SecretSource."""
        read = [*files.copied, *(api_key_secret(key_id) for key_id in files.api_keys)]
        if files.redis_urls is not None:
            read.append(REDIS_EXPORTER_PASSWORD_FILE)
        made = CustomResource(
            name,
            api_version=_API_VERSION,
            kind="ExternalSecret",
            metadata=metadata,
            spec={
                # Go's durations have no days.
                "refreshInterval": f"{self._args.store.refresh.whole_seconds}s",
                "secretStoreRef": {"kind": "SecretStore", "name": self._store_name},
                "target": {
                    "name": name,
                    "creationPolicy": "Owner",
                    # Replace: a key that no template names, such as a client's, is left out.
                    "template": {
                        "engineVersion": "v2",
                        "mergePolicy": "Replace",
                        "data": _templates(files),
                    },
                },
                "data": [
                    {"secretKey": secret, "remoteRef": _remote(self._args.store, secret)}
                    for secret in read
                ],
            },
            opts=pulumi.ResourceOptions.merge(opts, _after(self._store)),
        )
        return made.urn.apply(lambda _: name)

    def _service_account(self) -> list[ServiceAccount]:
        role = self._args.role_arn
        if isinstance(self._args.store, AwsSecretsManager) and role is None:
            return []
        annotations = None if role is None else {_ROLE_ANNOTATION: role}
        account = ServiceAccount(
            SERVICE_ACCOUNT,
            metadata=self._metadata(SERVICE_ACCOUNT, annotations),
            # No pod uses this account; the operator requests tokens for it.
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return [account]

    def _metadata(
        self, name: str, annotations: Mapping[str, pulumi.Input[str]] | None = None
    ) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name,
            namespace=self._args.namespace,
            labels=labels_of("secrets"),
            annotations=annotations,
        )


def _provider(args: ExternalSecretsArgs) -> _Values:
    store = args.store
    account = {"serviceAccountRef": {"name": SERVICE_ACCOUNT}}
    if isinstance(store, Vault):
        login = {"mountPath": store.auth_mount, "role": store.role, **account}
        vault: dict[str, object] = {
            "server": store.server,
            "path": store.mount,
            "version": "v2",
            "auth": {"kubernetes": login},
        }
        if store.ca_config_map:
            vault["caProvider"] = {
                "type": "ConfigMap",
                "name": store.ca_config_map,
                "key": "ca.crt",
            }
        return {"vault": vault}
    aws: dict[str, object] = {"service": "SecretsManager", "region": store.region}
    if args.role_arn is not None:
        aws["auth"] = {"jwt": account}
    return {"aws": aws}


def _remote(store: Vault | AwsSecretsManager, secret: str) -> _Values:
    if isinstance(store, Vault):
        return {"key": store.path, "property": secret}
    return {"key": f"{store.prefix}{secret}"}


def _templates(files: SecretFiles) -> Mapping[str, pulumi.Input[str]]:
    # Backquotes: Go's raw strings, which JSON does not escape.
    templates: dict[str, pulumi.Input[str]] = {
        file: f"{{{{ index . `{file}` }}}}" for file in files.copied
    }
    if files.api_keys:
        hashes = {
            key_id: f"{{{{ index . `{api_key_secret(key_id)}` | sha256sum }}}}"
            for key_id in files.api_keys
        }
        templates[API_KEYS_FILE] = api_keys_file(files.api_keys, hashes, files.revoked)
    if files.redis_urls is not None:
        templates[REDIS_URLS_FILE] = pulumi.Output.from_input(files.redis_urls).apply(_by_url)
    return templates


def _by_url(urls: Sequence[str]) -> str:
    password = f"{{{{ index . `{REDIS_EXPORTER_PASSWORD_FILE}` | toJson }}}}"
    return "{" + ", ".join(f"{json.dumps(url)}: {password}" for url in urls) + "}"


def _after(resource: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=[resource])
