"""What cultural actors write: their venues, offers and stocks, by their own ids."""
