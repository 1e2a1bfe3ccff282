"""Neural networks (`.mlmodel`, specification 1 to 6): from their protobuf to operations."""
