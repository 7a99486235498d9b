"""What a run leaves: segment records, the store that holds them, configurations and restart lineage."""
