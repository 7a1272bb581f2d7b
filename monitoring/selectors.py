"""Selectors for the series of a job in one environment: a Prometheus may have several environments.

Expressions contain the placeholder SCOPE for the environment's namespace; `scoped` replaces it.
"""

__all__ = ["of_job", "of_objective", "scoped"]

_SCOPE = "SCOPE"


def of_job(job: str) -> str:
    """Label matchers, for use within braces, of a job's series."""
    return f'job="{job}"{_SCOPE}'


def of_objective(name: str) -> str:
    """Label matchers, for use within braces, of an objective's recorded series."""
    return f'slo="{name}"{_SCOPE}'


def scoped(expression: str, matcher: str) -> str:
    """The PromQL of an expression that was made with of_job() or of_objective().

    Args:
        expression: PromQL with the placeholder.
        matcher: a label matcher for the environment.
    """
    return expression.replace(_SCOPE, f",{matcher}")
