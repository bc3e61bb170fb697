"""Steps that touch several storages at once."""
