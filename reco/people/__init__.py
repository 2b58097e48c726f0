"""People's rights: to see everything that is held of them, and to be forgotten."""
