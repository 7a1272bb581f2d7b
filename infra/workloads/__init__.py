"""The programs that the kit deploys: one declaration each, without Pulumi."""
