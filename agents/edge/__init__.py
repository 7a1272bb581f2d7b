"""What runs beside nginx: a name server that always answers."""
