"""HTTP headers that the gateway reads and writes in addition to the OpenAI API's own."""

__all__ = ["ADAPTED", "DEGRADED", "PROVIDER", "REQUEST_ID", "SHOULD_RETRY"]

REQUEST_ID = "x-request-id"
"""On every answer. The client's own value is kept when it is well-formed."""
PROVIDER = "x-seawall-provider"
"""The provider that answered."""
ADAPTED = "x-seawall-adapted"
"""Fields of the request that were changed or left out for the provider that answered."""
DEGRADED = "x-seawall-degraded"
"""On answers that are not from the model's own targets: fallback or stale."""
SHOULD_RETRY = "x-should-retry"
"""The openai SDK reads it: "false" forbids a retry that cannot succeed."""
