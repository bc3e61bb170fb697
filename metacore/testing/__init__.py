"""For tests: the contract suite of the storages, factories of the models, and pytest fixtures.

Needs the extra `metacore[testing]`. Nothing is imported here: the fixtures are loaded by every pytest run.
"""
