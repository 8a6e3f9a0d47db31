"""Reading the Open Contracting Data Standard: pure modules, without database, network or settings."""
