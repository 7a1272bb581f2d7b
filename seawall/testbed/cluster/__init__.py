"""Bundled Kubernetes clusters behind one small interface; the embedded one runs real programs."""
