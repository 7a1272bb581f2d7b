"""What the other components are made of: pods, volumes, labels, placement."""
