"""Whom Git servers, registries and their APIs are told we are, and whom we take them for."""
