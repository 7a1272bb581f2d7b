"""The stages that a request passes; `order` lists them in their order."""
