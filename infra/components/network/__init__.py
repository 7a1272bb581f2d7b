"""Network policies: which workload may reach which."""
