"""Analysis of segment records: equilibration, block standard errors, comparison of starts, criteria. No LAMMPS."""
