"""Side-by-side figures of the engine, measured in one run on one machine: `make bench`."""
