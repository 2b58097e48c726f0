"""The columnar snapshot of what can be booked."""
