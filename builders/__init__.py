"""Run LAMMPS, keep its records, turn them into curves with errors, publish them."""
