"""The stages of a request, one module each; service.pipeline.order has their order."""
