"""A Kubernetes cluster behind one small interface; the embedded one runs the real programs."""
