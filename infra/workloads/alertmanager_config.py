"""Alertmanager's configuration: the receivers of alerts, and which alert silences which others.

https://prometheus.io/docs/alerting/latest/configuration/
"""

from collections.abc import Mapping

from contract import paths, ports
from infra.config import Alertmanager
from infra.secret_names import alert_webhook_secret
from monitoring.alerts import SILENCES

__all__ = ["RECEIVER", "alertmanager_file"]

RECEIVER = "alert-receiver"
"""The component that simulates a receiver."""
_NOBODY = "nobody"


def alertmanager_file(settings: Alertmanager, *, proxy: str | None) -> Mapping[str, object]:
    """The file; `proxy` is the URL of the proxy through which webhooks are reached."""
    return {
        "route": {
            # For alerts of a severity without a receiver, and for alerts that are not Seawall's.
            "receiver": _NOBODY,
            "group_by": ["alertname"],
            "group_wait": str(settings.group_wait),
            "group_interval": str(settings.group_interval),
            "repeat_interval": str(settings.repeat_every),
            "routes": [
                {"matchers": [f'severity="{severity}"'], "receiver": severity}
                for severity in settings.receivers
            ],
        },
        "receivers": [
            {"name": _NOBODY},
            *(
                {"name": severity, **_way(severity, kind, proxy)}
                for severity, kind in settings.receivers.items()
            ),
        ],
        "inhibit_rules": [
            {
                "source_matchers": [f'alertname="{loud}"'],
                "target_matchers": [f'alertname=~"{"|".join(quiet)}"'],
            }
            for loud, quiet in SILENCES.items()
        ],
    }


def _way(severity: str, kind: str, proxy: str | None) -> Mapping[str, object]:
    if kind == _NOBODY:
        return {}
    where: dict[str, object]
    if kind == "simulator":
        where = {"url": f"http://{RECEIVER}:{ports.SIMULATOR_HTTP}/{severity}"}
    else:
        where = {"url_file": f"{paths.SECRETS_DIR}/{alert_webhook_secret(severity)}"}
        if proxy:
            where["http_config"] = {"proxy_url": proxy}
    return {"webhook_configs": [{**where, "send_resolved": True}]}
