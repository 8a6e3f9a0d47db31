"""A database engine for `DATABASES`: Django's PostgreSQL, which lends connections for as short as code needs them."""
