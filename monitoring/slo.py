"""Service level objectives, and the recording rules for the burn rates of their error budgets.

Windows and factors are those of Google's SRE workbook, chapter 5. A burn rate of 14.4 for an hour
spends 2 % of a 30-day budget, 6 for six hours 5 %, 3 for a day and 1 for three days 10 %. The short
window in addition to each long one ends an alert soon after the failure ended.
https://sre.google/workbook/alerting-on-slos/
"""

from dataclasses import dataclass

from contract import metrics
from monitoring.selectors import of_job, of_objective

__all__ = ["AVAILABILITY", "FAST", "OBJECTIVES", "SLOW", "BurnRate", "Slo"]


@dataclass(frozen=True, slots=True)
class BurnRate:
    """A pair of windows, and the burn rate that must be exceeded in both."""

    factor: float
    long: str
    short: str


FAST = (BurnRate(14.4, "1h", "5m"), BurnRate(6, "6h", "30m"))
"""Burn rates that page: a full outage is reported within five minutes."""
SLOW = (BurnRate(3, "1d", "2h"), BurnRate(1, "3d", "6h"))
"""Burn rates that create a ticket."""
_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """One objective over 30 days.

    Attributes:
        name: the value of the label `slo` of all its series.
        objective: the share of good events, such as 0.999.
        bad: PromQL for the rate of each kind of bad event; WINDOW is the rates' window.
        total: PromQL for the rate of all events.
    """

    name: str
    objective: float
    bad: tuple[str, ...]
    total: str

    def __post_init__(self) -> None:
        """Refuse an objective whose fastest burn rate is unreachable."""
        highest = FAST[0].factor
        if not 1 - 1 / highest < self.objective < 1:
            raise ValueError(
                f"SLO {self.name}: objective = {self.objective} must be between "
                f"{1 - 1 / highest:.4f}, below which {highest} times the budget is more than "
                "everything, and 1"
            )

    @property
    def budget(self) -> float:
        """The share of bad events that is allowed."""
        return round(1 - self.objective, 12)

    def records(self) -> dict[str, str]:
        """The recorded series of this objective, by name, with their expressions."""
        made = {f"slo:sli_error:ratio_rate{window}": self._ratio(window) for window in _WINDOWS}
        made["slo:sli_error:rate5m"] = self._bad("5m")
        made["slo:sli_total:rate5m"] = self._total("5m")
        made["slo:objective:ratio"] = f"vector({self.objective})"
        # Weighted by traffic, so that one failure in a quiet night does not spoil the month.
        made["slo:sli_error:ratio_rate30d"] = (
            f"sum_over_time({self._named('slo:sli_error:rate5m')}[30d])"
            f" / (sum_over_time({self._named('slo:sli_total:rate5m')}[30d]) > 0)"
        )
        made["slo:error_budget_remaining:ratio"] = (
            f"1 - {self._named('slo:sli_error:ratio_rate30d')} / {self.budget}"
        )
        return made

    def burns(self, rates: tuple[BurnRate, ...]) -> str:
        """PromQL: one of `rates` is exceeded in both of its windows."""
        return " or ".join(
            f"({self._over(rate.long, rate)} and {self._over(rate.short, rate)})" for rate in rates
        )

    def _over(self, window: str, rate: BurnRate) -> str:
        limit = round(rate.factor * self.budget, 12)
        return f"{self._named(f'slo:sli_error:ratio_rate{window}')} > {limit}"

    def _named(self, series: str) -> str:
        return f"{series}{{{of_objective(self.name)}}}"

    def _total(self, window: str) -> str:
        return self.total.replace("WINDOW", window)

    def _bad(self, window: str) -> str:
        # Without any failure there is no series of failures; this means 0, not unknown.
        none = f"0 * {self._total(window)}"
        return " + ".join(f"({kind.replace('WINDOW', window)} or {none})" for kind in self.bad)

    def _ratio(self, window: str) -> str:
        # Without requests the result is empty instead of NaN, which would last for the window.
        return f"({self._bad(window)}) / ({self._total(window)} > 0)"


_OURS = of_job(metrics.GATEWAY_JOB)

AVAILABILITY = Slo(
    name="gateway-availability",
    objective=0.999,
    bad=(
        # A 429 counts as good: the client exceeded its limits.
        f'sum(rate({metrics.REQUESTS}{{{_OURS},status=~"5.."}}[WINDOW]))',
        # These answers began with a 200.
        f"sum(rate({metrics.ANSWERS_BROKEN}{{{_OURS}}}[WINDOW]))",
    ),
    total=f"sum(rate({metrics.REQUESTS}{{{_OURS}}}[WINDOW]))",
)
"""Requests with a complete answer of the gateway: no 5xx, and no answer that breaks off."""

OBJECTIVES = (AVAILABILITY,)
"""Every objective."""
