"""All generated pages of docs/reference/, by file name."""

from collections.abc import Callable, Mapping

from tools.config_reference.page import page as configuration
from tools.reference.alerts import alerts
from tools.reference.command_line import command_line
from tools.reference.environment_variables import environment_variables
from tools.reference.errors import errors
from tools.reference.http_api import http_api
from tools.reference.metrics import metrics

__all__ = ["PAGES"]

PAGES: Mapping[str, Callable[[], str]] = {
    "alerts.md": alerts,
    "cli.md": command_line,
    "configuration.md": configuration,
    "environment-variables.md": environment_variables,
    "errors.md": errors,
    "http-api.md": http_api,
    "metrics.md": metrics,
}
