"""The Pulumi program: what is deployed. It deploys images and never imports their code."""
