"""The small simulations that find coexisting phases."""
