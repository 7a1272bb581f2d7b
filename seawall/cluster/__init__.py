"""A Kubernetes cluster behind one small interface; the embedded one runs real binaries on this machine."""
