"""From LAMMPS runs to the published dataset: simulation, records, analysis, release, validation."""
