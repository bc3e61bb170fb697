"""An order service: orders come by Kafka, are stored, and are shown from a warm cache."""
