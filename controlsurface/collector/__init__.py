"""The collector process: receivers, journal, writer, store and API, behind the lock of one data directory."""
