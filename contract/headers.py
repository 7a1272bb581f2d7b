"""HTTP headers that the gateway reads and writes beside the OpenAI API's own."""

__all__ = ["ADAPTED", "DEGRADED", "PROVIDER", "REQUEST_ID", "SHOULD_RETRY"]

REQUEST_ID = "x-request-id"
"""On every answer; a client's own value is kept when it is well formed."""
PROVIDER = "x-seawall-provider"
"""Which provider answered."""
ADAPTED = "x-seawall-adapted"
"""Fields of the request that were changed or left out for the provider that answers."""
DEGRADED = "x-seawall-degraded"
"""On answers that the model's own targets did not give: fallback or stale."""
SHOULD_RETRY = "x-should-retry"
"""Read by the openai SDK: "false" forbids a retry that cannot succeed."""
