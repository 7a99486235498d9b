"""What a chain may start from: kinds of start, coexisting phases, geometry."""
