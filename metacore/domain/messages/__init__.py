"""Messages: what was done and is to be told, what was told and could not be used."""
