"""From records to curves with errors. Imports no LAMMPS."""
