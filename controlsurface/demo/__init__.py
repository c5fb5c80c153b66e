"""A simulated router: traffic that a team might see, exported as real spans through the OpenTelemetry SDK."""
