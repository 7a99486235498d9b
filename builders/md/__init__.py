"""Run LAMMPS once: engine, start, segment, pair counting, order parameters."""
