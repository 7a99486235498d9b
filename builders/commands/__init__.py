"""The command line of the builders: simulate, campaign, publish, verify, validate."""
