"""What an experiment has shown so far: figures of its people, and what may be said of them."""
