"""One LAMMPS run: engine, start, segment, pair counting, order parameters, profiles."""
