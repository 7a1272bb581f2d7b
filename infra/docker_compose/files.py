"""The files that compose.yaml mounts, generated from the configuration of an environment."""

import json
from collections.abc import Mapping
from pathlib import Path

from contract import jobs, metrics, paths, ports
from infra.components.edge.nginx_conf import Listener, NginxConf, Upstream, nginx_conf
from infra.components.gateway.files import settings_file
from infra.components.redis.pod import MASTER_NAME
from infra.config import Duration, Environment, OwnLimit
from monitoring.alerts import ALERTS
from monitoring.rules import rule_file
from monitoring.slo import OBJECTIVES

__all__ = ["FOLDER", "GATEWAYS", "REDIS", "files_of"]

FOLDER = Path(__file__).parent / "files"
"""It has a folder for each service, which mounts the whole folder. For a single file Docker mounts
the inode, so the service would not see a file that is swapped in later."""
GATEWAYS = ("gateway-1", "gateway-2")
REDIS = ("redis-0", "redis-1", "redis-2")
"""Names of services in compose.yaml, by which containers know each other."""

_NAMESPACE = "compose"
"""The namespace label of series, which they have in a cluster, too."""
_LIMIT = OwnLimit(requests_per_second=50, burst=100)
_EVERY_S = 5


def files_of(environment: Environment) -> Mapping[str, str]:
    """The files' texts, by path in FOLDER."""
    # Without the alerts on jobs that are not scraped here: they count missing data as an outage.
    elsewhere = (jobs.REDIS, jobs.SENTINEL, jobs.BLACKBOX)
    alerts = [one for one in ALERTS if not any(job in one.expression for job in elsewhere)]
    rules = rule_file(alerts, OBJECTIVES, runbooks="runbooks", namespace=_NAMESPACE)
    return {
        "gateway/gateway.yaml": settings_file(
            environment.gateway, redis_hosts=REDIS, master=MASTER_NAME, reload=True
        )
        + "\n",
        "nginx/nginx.conf": nginx_conf(
            NginxConf(
                gateway=environment.gateway,
                upstream=Upstream("gateways", ports.GATEWAY_HTTP, servers=GATEWAYS),
                listener=Listener(ports.EDGE_HTTP, ports.EDGE_HEALTH),
                connect_timeout=Duration.parse("300ms"),
                rate_limit=_LIMIT,
            )
        ),
        "prometheus/prometheus.json": json.dumps(_prometheus(), indent=2) + "\n",
        "prometheus/rules.json": json.dumps(rules, indent=2) + "\n",
    }


def _prometheus() -> Mapping[str, object]:
    """The configuration as JSON, which is also YAML."""
    every = f"{_EVERY_S}s"
    job = {
        "job_name": metrics.GATEWAY_JOB,
        "metrics_path": paths.METRICS,
        "static_configs": [
            {
                "targets": [f"{name}:{ports.GATEWAY_HEALTH}"],
                # The labels of the pods' metrics in a cluster: alerts and dashboards group by them.
                "labels": {"pod": name, "namespace": _NAMESPACE, "node": "compose"},
            }
            for name in GATEWAYS
        ],
    }
    managers = [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    return {
        "global": {
            "scrape_interval": every,
            "scrape_timeout": every,
            "evaluation_interval": every,
        },
        "rule_files": ["rules.json"],
        "alerting": {"alertmanagers": managers},
        "scrape_configs": [job],
    }
