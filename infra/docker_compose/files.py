"""The files that compose.yaml mounts and that say what the environments say, too."""

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
"""A folder in it for each service, which mounts it whole: of a single file Docker mounts the inode,
so that one that is swapped in later would not be seen."""
GATEWAYS = ("gateway-1", "gateway-2")
REDIS = ("redis-0", "redis-1", "redis-2")
"""Names of services in compose.yaml, by which containers know each other."""

_NAMESPACE = "compose"
"""What series of a cluster have by the same name."""
_LIMIT = OwnLimit(requests_per_second=50, burst=100)
_EVERY_S = 5
_AGAIN_AFTER_S = 2
"""A gateway that refused a connection gets no request for so long."""


def files_of(environment: Environment) -> Mapping[str, str]:
    """Texts by path in FOLDER."""
    # What is not scraped here would page for ever: without a master to be seen there is none.
    elsewhere = (jobs.REDIS, jobs.SENTINEL, jobs.OUTSIDE)
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
                upstream=Upstream("gateways", None, block=_group()),
                listener=Listener(ports.ENTRANCE_HTTP, ports.ENTRANCE_HEALTH),
                connect_timeout=Duration.parse("300ms"),
                rate_limit=_LIMIT,
            )
        ),
        "prometheus/prometheus.json": json.dumps(_prometheus(), indent=2) + "\n",
        "prometheus/rules.json": json.dumps(rules, indent=2) + "\n",
    }


def _group() -> str:
    """Nginx learns these addresses when it starts, and Docker keeps them while containers run."""
    servers = "\n".join(
        f"  server {name}:{ports.GATEWAY_HTTP} max_fails=1 fail_timeout={_AGAIN_AFTER_S}s;"
        for name in GATEWAYS
    )
    return f"upstream gateways {{\n  least_conn;\n{servers}\n}}"


def _prometheus() -> Mapping[str, object]:
    """JSON, which is YAML too."""
    every = f"{_EVERY_S}s"
    job = {
        "job_name": metrics.GATEWAY_JOB,
        "metrics_path": paths.METRICS,
        "static_configs": [
            {
                "targets": [f"{name}:{ports.GATEWAY_HEALTH}"],
                # What the pods' metrics carry in a cluster: alerts and dashboards group by it.
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
