"""docs/reference/environment-variables.md: every SEAWALL_ variable."""

from tools.reference.markdown import GENERATED, cell, table

__all__ = ["VARIABLES", "environment_variables"]

_COMMAND = {
    "SEAWALL_CACHE": "Folder of built programs and images. Default: `seawall` in `$XDG_CACHE_HOME` "
    "or in `~/.cache`.",
    "SEAWALL_ENV": "Environment of `seawall kubectl` and `seawall query`. Default: `local`.",
    "SEAWALL_EXTRA_CA": "File with a certificate authority that image builds trust in addition. "
    "Default: `$PIP_CERT` or `$SSL_CERT_FILE`.",
    "SEAWALL_HOME": "State folder of a checkout; the cluster's name and addresses derive from it. "
    "Default: `.seawall` in the checkout.",
    "SEAWALL_API_KEY_FILE": "File with one API key, with which `seawall up`, `rollback` and "
    "`smoke` request completions. Needed unless `seawall:secret_store` is `generated`.",
    "SEAWALL_RANGE": "The N of the bundled cluster's addresses, 10.N.0.0/16, from 64 to 127. "
    "Default: a range that the machine does not route.",
    "SEAWALL_SECRETS": "For Docker Compose: the folder of the secret files.",
    "SEAWALL_STATE_DIR": "Folder of the bundled cluster's disks, keys and logs. Default: "
    "`/var/lib/seawall`.",
}
_GATEWAY = {
    "SEAWALL_CONFIG": "The settings file. Default: `/etc/seawall/config/gateway.yaml`.",
}
_REDIS = {
    "SEAWALL_NAMESPACE": "The pod's namespace, which is part of the hosts' names.",
    "SEAWALL_POD_NAME": "The pod's own name.",
    "SEAWALL_REDIS_HOSTS": "The names of all Redis pods' Services, separated by commas.",
    "SEAWALL_MASTER_NAME": "The name of the master at Sentinel.",
    "SEAWALL_QUORUM": "Number of Sentinels that must see the master down.",
    "SEAWALL_DOWN_AFTER_MS": "Milliseconds without an answer after which a server counts as down.",
    "SEAWALL_FAILOVER_TIMEOUT_MS": "Milliseconds after which Sentinel tries a failover again.",
    "SEAWALL_MAX_LAG_S": "Seconds that a replica may lag behind while the master takes writes.",
    "SEAWALL_MAXMEMORY": "Bytes of data that Redis holds.",
}
_BACKUP = {
    "SEAWALL_BACKUP_BUCKET": "The bucket of the copies.",
    "SEAWALL_BACKUP_PREFIX": "The beginning of the copies' names.",
    "SEAWALL_BACKUP_ENDPOINT": "URL of an S3-compatible storage. Default: that of AWS.",
    "SEAWALL_BACKUP_REGION": "The region of the bucket.",
    "SEAWALL_BACKUP_KEEP_S": "Seconds for which copies are kept. Not set: the job removes none.",
    "SEAWALL_BACKUP_LOGIN": "`secret` reads keys from files; `role` uses the pod's role.",
    "SEAWALL_BACKUP_SCRATCH": "Folder of the copy until it is uploaded.",
    "SEAWALL_BACKUP_DUMP_TIMEOUT_S": "Seconds that a copy may take.",
    "SEAWALL_SECRETS_DIR": "Folder of the secret files. Default: `/etc/seawall/secrets`.",
    "SEAWALL_SENTINEL_PORT": "TCP port of Sentinel. Default: 26379.",
}
_GROUPS = (
    ("The command `seawall`", "People set these.", _COMMAND),
    ("The gateway", "Set it to start the gateway without the kit.", _GATEWAY),
    ("The Redis pods", "The kit sets these from `seawall:redis`.", _REDIS),
    (
        "The backup job",
        "The kit sets these from `seawall:backup`, and the hosts and the master as in Redis pods.",
        _BACKUP,
    ),
)
VARIABLES = frozenset(name for _, _, names in _GROUPS for name in names)
"""Every variable on the page."""


def environment_variables() -> str:
    """The page."""
    parts = ["# Environment variables", GENERATED]
    for title, text, names in _GROUPS:
        rows = [(f"`{name}`", cell(meaning)) for name, meaning in names.items()]
        parts.append(f"## {title}\n{text}\n\n{table(('variable', 'meaning'), rows)}")
    return "\n".join(parts)
