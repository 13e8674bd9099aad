"""
Nodes with one recovery bug each, made by patching the production package from outside.

Each public function of `store`, `start`, `orders`, `decisions`, `protection`, `ending` and
`watching` is a bug: its docstring says in one sentence what the node does wrong.
`tests/drill/mutants.py` says where each shows, and which check names it.
"""
