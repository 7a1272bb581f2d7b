"""The stages of a request, one module for each; their order is in service.pipeline.order."""
