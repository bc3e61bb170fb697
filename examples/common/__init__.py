"""What the systems of these examples share: settings, parts, errors, metrics, logs, how to start and how to end."""
