"""The site around the engine: settings, addresses, the embedded database and the processes."""
