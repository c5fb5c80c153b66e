"""OTLP over HTTP and gRPC, and the one intake behind both and `import`."""
