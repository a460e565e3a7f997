"""The documentation installed on this machine as a test collection with seven kinds of topics."""
