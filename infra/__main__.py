"""The Pulumi program's entry for the plain CLI; the Automation API calls `deploy` itself."""

from infra.program import deploy

deploy()
