"""Telling people what happens, beside trading and never before it."""
