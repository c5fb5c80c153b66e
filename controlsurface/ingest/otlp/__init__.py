"""OTLP bodies as messages, in protobuf and JSON, and their spans as Arrow columns."""
