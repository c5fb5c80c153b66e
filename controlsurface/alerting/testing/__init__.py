"""Tests of rule files in the words of promtool: cases, their input, and the runner."""
