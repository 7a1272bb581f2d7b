"""The exception for a failed attempt at a provider; its symptom decides on the next step."""

from service.errors import SeawallError
from service.resilience.retry import Symptom

__all__ = ["UpstreamFailure"]


class UpstreamFailure(SeawallError):  # noqa: N818 - an outcome to decide on, not a bug
    """An attempt failed.

    `symptom` says how, and `retry_after_s` is the wait that the provider asked for. The message is
    for logs, and holds no content of the answer.
    """

    def __init__(
        self,
        symptom: Symptom,
        detail: str,
        *,
        retry_after_s: float | None = None,
        refusal: tuple[int, bytes] | None = None,
        most_tokens: int | None = None,
    ) -> None:
        super().__init__(f"{symptom.value}: {detail}")
        self.symptom = symptom
        self.retry_after_s = retry_after_s
        self.refusal = refusal
        """Status and body for the client, if no other target answers."""
        self.most_tokens = most_tokens
        """The longest answer in tokens that the target accepts for this request."""
