"""Stub for now."""


def load(key):
    return None


def store(key, data):
    pass
