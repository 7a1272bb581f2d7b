"""Parts of the other components: pods, volumes, labels, placement."""
