"""What happens to a request, stage by stage; `stages` declares the order."""
