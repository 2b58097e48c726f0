"""What another policy would have earned, from slates that were logged with their propensities."""
